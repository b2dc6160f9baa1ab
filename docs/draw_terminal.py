"""Draws a picture of a terminal: ``tmux capture-pane -e -p -t PANE | python docs/draw_terminal.py > docs/terminal.svg``."""

import io
import re
import sys

from rich.console import Console
from rich.text import Text


def drawn(ansi: str, title: str) -> str:
    """What a terminal showed, with its colours, as SVG; without the web font that the library would have it load."""
    lines = ansi.rstrip().splitlines()
    shown = Text("\n").join(Text.from_ansi(line) for line in lines)
    console = Console(record=True, width=max(map(len, shown.plain.splitlines())), file=io.StringIO(), color_system="truecolor")
    console.print(shown, no_wrap=True, crop=True)
    return re.sub(r"@font-face \{.*?\}", "", console.export_svg(title=title), flags=re.DOTALL)


if __name__ == "__main__":
    sys.stdout.write(drawn(sys.stdin.read(), "crossfade promote --stack staging"))
