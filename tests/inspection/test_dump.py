"""A dump is not written where another set lies."""

from minunet.inspection.dump import dump_problems


def test_a_set_that_is_there_is_one_sentence(tmp_path):
    (tmp_path / "sheet.png").write_bytes(b"x")
    assert dump_problems(tmp_path, [], []) == [
        f"--dump {tmp_path}: already holds sheet.png, and a set is never overwritten; remove it or name another folder."
    ]
