"""Advice on flags that a command does not have: what they are called here, or which flag was probably meant."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Iterable, Mapping

from minunet.cli.foreign_flags import foreign_flags

OURS = "it is {flag} here"


def advice(flag: str, parser: argparse.ArgumentParser) -> str:
    """What a flag that a command does not have is called here, as a phrase; else the flag most like it, or an empty text."""
    name = flag.replace("_", "-")
    name = name if re.fullmatch(r"-\w", name) else name.lower()
    arguments = dict(_arguments(parser))
    for own in (name, "--" + name.lstrip("-")):  # --batch_size, -epochs
        if own in arguments and len(own) > 3 and own != flag:
            return OURS.format(flag=arguments[own])
    found = foreign_flags(name)
    for foreign in found:
        for own in foreign.ours.split():
            if own in arguments:
                return _named(own, arguments[own])
    if found:
        return found[0].otherwise
    close = difflib.get_close_matches(name, [own for own in arguments if own.startswith("--")], n=1, cutoff=0.75)
    return f"did you mean {arguments[close[0]]}?" if close else ""


def key_advice(text: str, parser: argparse.ArgumentParser) -> str:
    """The same for a setting that is written as key=value, as YOLO's are; an empty text where that is not what it is."""
    key, equals, value = text.partition("=")
    if not equals or not value or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key):
        return ""
    arguments, flag = dict(_arguments(parser)), "--" + key.replace("_", "-").lower()
    if flag in arguments:
        return OURS.format(flag=arguments[flag])
    return advice("--" + key, parser) if foreign_flags(flag) else ""


def unknown_flags(argv: Iterable[str], parser: argparse.ArgumentParser) -> Mapping[str, str]:
    """The flags of a command line that a parser does not have, with the advice on each.

    Parameters
    ----------
    argv : iterable of str
    parser : ArgumentParser

    Returns
    -------
    dict of str to str
        The flag, without its value, to a phrase that may be empty.
    """
    known = [name for name, _ in _arguments(parser) if name.startswith("-")]
    found: dict[str, str] = {}
    for text in argv:
        if text == "--":
            break
        flag = text.partition("=")[0]
        is_value = not re.match(r"--?[A-Za-z]", text) or " " in text
        if is_value or flag in known or (flag.startswith("--") and any(own.startswith(flag) for own in known)):
            continue
        if re.match(r"-[A-Za-z]", text) and text[:2] in known:  # -h and what may follow it
            continue
        found[flag] = advice(flag, parser)
    return found


def _named(own: str, shown: str) -> str:
    if own.startswith("--"):
        return OURS.format(flag=shown)
    return f"give it without a flag, as {shown}"


def _arguments(parser: argparse.ArgumentParser) -> Iterable[tuple[str, str]]:
    """(name, how it is typed) of each argument of a parser; those without a flag by their names in the help."""
    for action in parser._actions:
        value = action.metavar if isinstance(action.metavar, str) else ""
        if not action.option_strings:
            yield from ((word.strip("[]"), word.strip("[]")) for word in value.split())
        for option in action.option_strings:
            takes_value = action.nargs != 0 and value
            yield option, f"{option} {value}" if takes_value else option
