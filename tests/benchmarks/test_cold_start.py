"""The benchmark of the start of a process: what it installs."""

from benchmarks import cold_start


def test_minunet_is_installed_anew_in_an_environment_that_is_used_again(tmp_path, monkeypatch):
    commands = []
    monkeypatch.setattr(cold_start.subprocess, "run", lambda command, **settings: commands.append(command))
    for peer, packages in cold_start.PEERS.items():
        (tmp_path / peer).mkdir()
        assert cold_start.install(tmp_path / peer, packages) == tmp_path / peer / "bin" / "python"
    assert [command[-3:] for command in commands] == [["--no-deps", "--force-reinstall", str(cold_start.ROOT)]]
