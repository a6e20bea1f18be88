"""What the shell is answered at the Tab key, with a stand-in for argcomplete."""

import os
import sys
import types
from pathlib import Path

import pytest

import minunet
from minunet.__main__ import COMMANDS, main
from minunet.cli.completion import complete, completed_command
from minunet.cli.parser import Parser


class Answered(Exception):
    """The shell has its answer; the process would end."""


@pytest.fixture
def asked(monkeypatch):
    """A function that asks for the completion of a line; returns the parser that answers."""

    def answer(parser):
        raise Answered(parser)

    monkeypatch.setitem(sys.modules, "argcomplete", types.SimpleNamespace(autocomplete=answer))

    def ask(line, program):
        monkeypatch.setenv("_ARGCOMPLETE", str(program))
        monkeypatch.setenv("COMP_LINE", line)
        monkeypatch.setenv("COMP_POINT", str(len(line)))
        with pytest.raises(Answered) as answered:
            main([])
        return answered.value.args[0]

    return ask


def test_the_first_word_is_a_command(asked):
    parser = asked("minunet tr", 1)
    (action,) = (action for action in parser._actions if action.dest == "command")
    assert action.completer() == list(COMMANDS)


@pytest.mark.parametrize(("line", "program"), [("minunet train --lo", 1), ("python -m minunet train ", 3)])
def test_the_words_after_a_command_are_its_arguments(asked, line, program):
    parser = asked(line, program)
    assert parser.prog == "python -m minunet.train"
    (action,) = (action for action in parser._actions if action.dest == "loss")
    assert action.completer() == ["bce", "dice", "bce+dice"]

    assert os.environ["_ARGCOMPLETE"] == str(program + 1)


def test_a_command_that_is_being_typed_is_not_taken(monkeypatch):
    monkeypatch.setenv("_ARGCOMPLETE", "1")
    for line in ("minunet train", "minunet nothing ", "minunet 'tra", "minunet "):
        monkeypatch.setenv("COMP_LINE", line)
        assert completed_command(["train"]) is None


def test_without_argcomplete_and_without_a_shell_nothing_happens(monkeypatch):
    complete(Parser())
    monkeypatch.setenv("_ARGCOMPLETE", "1")
    monkeypatch.setitem(sys.modules, "argcomplete", None)
    complete(Parser())


def test_every_command_has_the_sign_that_argcomplete_looks_for():
    for name in [*COMMANDS, "__main__"]:
        assert "PYTHON_ARGCOMPLETE_OK" in (Path(minunet.__file__).parent / f"{name}.py").read_text()[:1024]
