"""Arguments of the commands: the types they share, and a parser that reports every bad value at once.

A type is a function from text to value that raises `ValueError` with a phrase; the parser puts the flag and the text before it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from minunet.errors import UserError


class Parser(argparse.ArgumentParser):
    """An `argparse.ArgumentParser` whose mistakes are one `UserError` with all of them.

    argparse stops at the first bad value. Here a bad value is noted, its default takes its place, and parsing goes on, so
    that a user who mistyped three flags reads three messages. `choices` are checked the same way.
    """

    def __init__(self, **options: Any):
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**options)
        self.problems: list[str] = []

    def add_argument(self, *names: str, **options: Any) -> argparse.Action:
        """As argparse's; `type` and `choices` are wrapped so that what they refuse is collected, and text that is empty."""
        return super().add_argument(*names, **self._wrapped(names, options))

    def add_argument_group(self, *titles: Any, **options: Any) -> argparse._ArgumentGroup:
        """As argparse's; what the arguments of the group refuse is collected too."""
        group = super().add_argument_group(*titles, **options)
        plain = group.add_argument
        group.add_argument = lambda *names, **options: plain(*names, **self._wrapped(names, options))  # type: ignore[method-assign]
        return group

    def _wrapped(self, names: tuple[str, ...], options: dict[str, Any]) -> dict[str, Any]:
        if "action" in options or "const" in options:  # takes no text, or may do without
            return options
        convert, choices = options.pop("type", None), options.pop("choices", None)
        if choices is not None:
            options.setdefault("metavar", "{" + ",".join(map(str, choices)) + "}")
        flag = next((name for name in names if name.startswith("--")), names[0])
        flag = flag if flag.startswith("-") else str(options.get("metavar") or flag)
        return {**options, "type": self._collecting(flag, convert, choices)}

    def _collecting(self, flag: str, convert: Callable | None, choices: Sequence | None) -> Callable[[str], Any]:
        def value_of(text: str) -> Any:
            try:
                if not text:
                    raise ValueError("is empty; was a variable not set?")
                value = text if convert is None else convert(text)
                if choices is not None and value not in choices:
                    raise ValueError("choose one of " + ", ".join(map(str, choices)))
            except (ValueError, TypeError, argparse.ArgumentTypeError) as error:
                self.problems.append(f"{flag} {text or repr(text)}: {error}")
                return REFUSED
            return value

        return value_of

    def parse_collecting(self, argv: Sequence[str] | None = None) -> tuple[argparse.Namespace, list[str]]:
        """Parse; return the values and the problems, for a command that has more to check before it raises them all.

        A refused value is replaced by its default (in a list it is left out).

        Raises
        ------
        UserError
            Where the rest cannot be understood at all: an unknown flag, a flag without its value, a missing argument, a refused
            value in the place of one that has no default. It carries the refused values too.
        """
        self.problems = []
        arguments = self._parse(argv)
        needed = {action.dest for action in self._actions if action.required}
        if any(getattr(arguments, name) is REFUSED for name in needed):
            raise UserError(self.problems)
        for name, value in vars(arguments).items():
            if value is REFUSED:
                setattr(arguments, name, self.get_default(name))
            elif isinstance(value, list):
                setattr(arguments, name, [item for item in value if item is not REFUSED])
        return arguments, list(self.problems)

    def parse_args(self, args: Sequence[str] | None = None, namespace: None = None) -> argparse.Namespace:  # type: ignore[override]
        """Parse, and raise one `UserError` with everything that is wrong."""
        arguments, problems = self.parse_collecting(args)
        if problems:
            raise UserError(problems)
        return arguments

    def _parse(self, argv: Sequence[str] | None) -> argparse.Namespace:
        arguments, unknown = self.parse_known_args(argv)
        if unknown:
            self.error(f"unknown argument: {' '.join(unknown)}")
        return arguments

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print before leaving."""
        raise UserError([*self.problems, f"{message}; {self.prog} --help lists the arguments"])


class _Refused:
    def __repr__(self) -> str:
        return "REFUSED"


REFUSED = _Refused()


def image_size(text: str) -> tuple[int, int]:
    """Read "256x192" as (256, 192), width first; "256" alone is a square."""
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) == 1:
        parts *= 2
    try:
        width, height = (int(part) for part in parts)
    except ValueError:
        raise ValueError("a size is WIDTHxHEIGHT in pixels, as 256x192") from None
    if width < 1 or height < 1:
        raise ValueError("width and height must be at least 1")
    return width, height


def positive_int(text: str) -> int:
    """Read a whole number, 1 at least."""
    return _whole(text, 1)


def non_negative_int(text: str) -> int:
    """Read a whole number, 0 at least: a seed, a number of workers."""
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        raise ValueError("must be a whole number") from None
    if value < least:
        raise ValueError(f"must be at least {least}")
    return value


def positive_float(text: str) -> float:
    """Read a number greater than 0: a learning rate."""
    value = _number(text)
    if value <= 0:
        raise ValueError("must be greater than 0")
    return value


def non_negative_float(text: str) -> float:
    """Read a number of at least 0: a length that 0 leaves without bound."""
    value = _number(text)
    if value < 0:
        raise ValueError("must be at least 0")
    return value


def fraction(text: str) -> float:
    """Read a number from 0 to 1: a threshold, a share."""
    value = _number(text)
    if not 0 <= value <= 1:
        raise ValueError("must be from 0 to 1")
    return value


def mask_threshold(text: str) -> str | float:
    """Read where a mask is cut: "otsu", or a share of white."""
    if text == "otsu":
        return text
    try:
        return fraction(text)
    except ValueError as error:
        raise ValueError(f"{error}, or otsu") from None


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError("must be a number") from None
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError("must be a finite number")
    return value
