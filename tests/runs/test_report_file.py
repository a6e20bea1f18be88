"""The command that a report names."""

from minunet.runs.report_file import command_line


def test_the_command_replaces_its_own_results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place, command = command_line("minunet.predict", ["run", "my smears"], overwrite=True)
    assert place == f"cd {tmp_path}" and command == "python -m minunet.predict run 'my smears' --overwrite"
    assert command_line("minunet.predict", ["run", "--overwrite"], overwrite=True)[1].count("--overwrite") == 1
