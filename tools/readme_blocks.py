"""Print the n-th `sh` code block of a Markdown file, so that CI runs exactly the commands that the README shows.

python3 tools/readme_blocks.py README.md 2
"""

import re
import sys
from pathlib import Path


def blocks(text: str) -> list[str]:
    """The contents of the fenced code blocks marked `sh`, in order."""
    return re.findall(r"^```sh\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def main() -> int:
    path, number = sys.argv[1], int(sys.argv[2])
    shell_blocks = blocks(Path(path).read_text(encoding="utf-8"))
    if not 1 <= number <= len(shell_blocks):
        print(f"{path} has {len(shell_blocks)} sh blocks, not {number}", file=sys.stderr)
        return 2
    print(shell_blocks[number - 1], end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
