"""HTML that is right by construction: everything is escaped but what was made here, and every element is closed. Pure."""

from collections.abc import Sequence
from html import escape

VOID = frozenset({"meta"})
"""Elements without an end, of those that are used here."""


class Markup(str):
    """A text that is HTML already. Only this module makes any; joined with another text it is a plain one again."""

    __slots__ = ()


def text(value: object) -> Markup:
    """A value as HTML shows it, whoever wrote it. What is no sign, or turns the direction of a line, is a question mark."""
    return value if isinstance(value, Markup) else Markup(_escaped(value))


def _escaped(value: object) -> str:
    return escape("".join(each if each.isprintable() or each == "\n" else "?" for each in str(value)))


def tag(name: str, /, *children: object, **attributes: object) -> Markup:
    """An element. An attribute is written with ``-`` for ``_``, and without a ``_`` at its end; None: it has none.

    Names are ours; children and values may be anybody's.
    """
    named = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_escaped(value)}"' for key, value in attributes.items() if value is not None
    )
    return Markup(f"<{name}{named}>" if name in VOID else f"<{name}{named}>{together(*children)}</{name}>")


def together(*parts: object) -> Markup:
    """One after the other."""
    return Markup("".join(map(text, parts)))


def table(head: Sequence[str], rows: Sequence[Sequence[object]], caption: str) -> Markup:
    """A table that scrolls by itself where it is wider than the page."""
    cells = [tag("tr", *(tag("td", cell) for cell in row)) for row in rows]
    names = tag("thead", tag("tr", *(tag("th", each, scope="col") for each in head)))
    return tag("div", tag("table", tag("caption", caption), names, tag("tbody", *cells)), class_="wide", tabindex="0")


def raw(css: str) -> Markup:
    """A style sheet of ours, which is not escaped. Never anything of a journal."""
    return Markup(css)
