"""Prepare the pages of docs/ for the site that MkDocs builds: links to files outside of docs/ become the paths of these files.

`mkdocs.yml` names this file as a hook. On GitHub such a link opens the file; the site holds the pages of docs/ only, and names no
address of a repository.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any

# A block of code, a piece of code in a line, or a link or picture: the first two are kept as they are.
CODE_OR_LINK = re.compile(
    r"^```.*?^```$|(?<!`)`[^`\n]+`(?!`)|!?\[(?P<label>[^\]]*)\]\((?P<target>[^)\s]+)\)", re.DOTALL | re.MULTILINE
)


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Called by MkDocs for each page before it becomes HTML; see "Events" in MkDocs' description of plugins."""
    return without_links_outside(markdown, page.file.src_uri)


def without_links_outside(markdown: str, path: str) -> str:
    """The text of a page with its links to files outside of docs/ as plain paths.

    Parameters
    ----------
    markdown : str
        The text.
    path : str
        The page's path from docs/, with slashes.

    Examples
    --------
    >>> without_links_outside("See [the guide](../CONTRIBUTING.md#test) and [cells](cells.md).", "runs.md")
    'See the guide (`CONTRIBUTING.md`) and [cells](cells.md).'
    """

    def replaced(match: re.Match[str]) -> str:
        target = match["target"]
        if target is None or re.match(r"[a-z]+:|#|/", target):
            return match[0]
        file = posixpath.normpath(posixpath.join("docs", posixpath.dirname(path), target.partition("#")[0]))
        if file.startswith("docs/"):
            return match[0]
        label = " ".join(match["label"].split())
        return f"`{file}`" if label.strip("`") == file else f"{label} (`{file}`)"

    return CODE_OR_LINK.sub(replaced, markdown)
