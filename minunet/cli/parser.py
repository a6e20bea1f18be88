"""The parser of the commands: an `argparse.ArgumentParser` that reports every bad value, not only the first."""

from __future__ import annotations

import argparse
import itertools
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from minunet.cli.completion import complete, completed
from minunet.cli.flag_advice import key_advice, unknown_flags
from minunet.errors import UserError
from minunet.version import __version__
from minunet.wording import shorten

WIDTH = 80  # columns of the help at most
_REJECTED = object()  # stands for a bad value while parsing goes on


def fit_block(block: str, width: int = WIDTH) -> str:
    """Lines without an empty one between them, folded to a width; those that fit stay as they are.

    Examples
    --------
    >>> print(fit_block("  --out  the folder of the numbers", width=20))
      --out  the folder
             of the
             numbers
    """
    lines = block.split("\n")
    if all(len(line) <= width for line in lines):
        return block
    folded: list[str] = []
    for indented, group in itertools.groupby(lines, key=lambda line: line.startswith(" ")):
        if not indented:
            folded += textwrap.wrap(" ".join(group), width, break_long_words=False, break_on_hyphens=False)
            continue
        rows: list[str] = []
        for line in group:  # a line that stands further in than the rows continues the one before it
            if rows and line.startswith(" " * 8):
                rows[-1] += " " + line.strip()
            else:
                rows.append(line)
        for row in rows:
            first = re.match(r" *(?:\S+(?: \S+)*  +)?", row)
            hanging = min(first.end() if first else 0, width // 2)
            texts = textwrap.wrap(row[hanging:], width - hanging, break_long_words=False, break_on_hyphens=False)
            folded += [row[:hanging] + "".join(texts[:1]), *(" " * hanging + text for text in texts[1:])]
    return "\n".join(folded)


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """argparse's, which fills the terminal, but not more than `WIDTH` columns of a wide one."""

    def __init__(self, prog: str, **options: Any):
        options.setdefault("width", min(shutil.get_terminal_size().columns, WIDTH) - 2)
        super().__init__(prog, **options)


class Parser(argparse.ArgumentParser):
    """An `argparse.ArgumentParser` whose mistakes are one `UserError` with all of them.

    argparse stops at the first bad value. Here a bad value is replaced by its default and parsing goes on, so that a user who
    mistyped three flags reads three messages. `choices` are checked in the same way.
    """

    def __init__(self, **options: Any):
        options.setdefault("formatter_class", _HelpFormatter)
        super().__init__(**options)
        self.add_argument(
            "-V", "--version", action="version", version=f"minunet {__version__}", help="print the version"
        )
        self._negative_number_matcher = re.compile(r"-\.?\d[\d.,:eE+-]*$")  # -3:2.5 is a value too, and no flag
        self.problems: list[str] = []

    def add_argument(self, *names: str, **options: Any) -> argparse.Action:
        """As argparse's, but a value that `type` or `choices` reject, or an empty text, is collected as a problem."""
        return completed(super().add_argument(*names, **self._collecting(names, options)), options.get("choices"))

    def add_argument_group(self, *titles: Any, **options: Any) -> argparse._ArgumentGroup:
        """As argparse's; the problems of the group's arguments are collected too."""
        group = super().add_argument_group(*titles, **options)
        add_argument = group.add_argument
        group.add_argument = lambda *names, **options: completed(  # type: ignore[method-assign]
            add_argument(*names, **self._collecting(names, options)), options.get("choices")
        )
        return group

    def format_help(self) -> str:
        """The help, no line wider than 80 columns: paragraphs are filled again, rows of a table hang below their second column."""
        blocks = super().format_help().rstrip("\n").split("\n\n")
        return "\n\n".join(map(fit_block, blocks)) + "\n"

    def parse_collecting(self, argv: Sequence[str] | None = None) -> tuple[argparse.Namespace, list[str]]:
        """Parse; return the values and the problems, for a command that has more to check before it raises them all.

        A rejected value is replaced by its default; in a list it is left out.

        Raises
        ------
        UserError
            If parsing cannot go on: an unknown flag, a flag without its value, a missing argument, or a rejected value
            of an argument that has no default. It includes the rejected values.
        """
        self.problems = []
        arguments = self._parse(argv)
        required = {action.dest for action in self._actions if action.required}
        if any(getattr(arguments, name) is _REJECTED for name in required):
            raise UserError(self.problems)
        for name, value in vars(arguments).items():
            if value is _REJECTED:
                setattr(arguments, name, self.get_default(name))
            elif isinstance(value, list):
                setattr(arguments, name, [item for item in value if item is not _REJECTED])
        return arguments, list(self.problems)

    def parse_args(self, args: Sequence[str] | None = None, namespace: None = None) -> argparse.Namespace:  # type: ignore[override]
        """Parse, and raise one `UserError` with everything that is wrong."""
        arguments, problems = self.parse_collecting(args)
        if problems:
            raise UserError(problems)
        return arguments

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print before it exits."""
        raise UserError([*self.problems, f"{message}; {self.prog} --help lists the arguments."])

    def _parse(self, argv: Sequence[str] | None) -> argparse.Namespace:
        complete(self)
        argv = sys.argv[1:] if argv is None else list(argv)
        unknown_here = unknown_flags(argv, self)
        if unknown_here and not {"-h", "--help", "-V", "--version"} & set(argv):
            raise UserError(
                f"unknown argument: {shorten(flag)}; {phrase + '; ' if phrase else ''}{self.prog} --help lists the arguments."
                for flag, phrase in unknown_here.items()
            )
        for text in argv:
            if not os.path.lexists(text) and (phrase := key_advice(text, self)):
                self.problems.append(f"{shorten(text)}: {phrase}; settings are written as flags here.")
        if self.problems:
            raise UserError(self.problems)
        arguments, unknown = self.parse_known_args(argv)
        if unknown:
            self.error(f"unknown argument: {shorten(' '.join(unknown))}")
        return arguments

    def _collecting(self, names: tuple[str, ...], options: dict[str, Any]) -> dict[str, Any]:
        """The options of an argument, with a `type` that collects problems in place of `type` and `choices`."""
        if "action" in options or "const" in options:  # the argument takes no text, or may be given without one
            return options
        options = dict(options)
        convert, choices = options.pop("type", None), options.pop("choices", None)
        if choices is not None:
            options.setdefault("metavar", "{" + ",".join(map(str, choices)) + "}")
        flag = next((name for name in names if name.startswith("--")), names[0])
        flag = flag if flag.startswith("-") else str(options.get("metavar") or flag)
        return {**options, "type": self._collecting_type(flag, convert, choices)}

    def _collecting_type(
        self, flag: str, convert: Callable[[str], Any] | None, choices: Sequence[Any] | None
    ) -> Callable[[str], Any]:
        def value_of(text: str) -> Any:
            try:
                if not text:
                    raise ValueError("is empty; was a variable not set?")
                value = text if convert is None else convert(text)
                if choices is not None and value not in choices:
                    raise ValueError("choose one of " + ", ".join(map(str, choices)))
            except (ValueError, TypeError, argparse.ArgumentTypeError) as error:
                reason = shorten(error)
                stop = "" if reason.endswith((".", "?")) else "."
                self.problems.append(f"{flag} {shorten(text) or repr(text)}: {reason}{stop}")
                return _REJECTED
            return value

        return value_of
