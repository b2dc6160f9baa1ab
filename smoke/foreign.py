"""Texts that others wrote, as far as people may see them: on one line, not too long, and without power over a terminal. Pure."""

LONGEST = 200
"""Characters of a foreign text that a message repeats."""


def shortened(text: str) -> str:
    """A foreign text, on one line and not too long; it may be of any length."""
    # The rest is never looked at: of a text of 64 MB, its words alone would be gigabytes.
    words = text.split(maxsplit=LONGEST)[:LONGEST]
    line = " ".join(word[: LONGEST + 1] for word in words)
    return printable(line if len(line) <= LONGEST else f"{line[:LONGEST]} ...")


def printable(text: str) -> str:
    """The text with a question mark for whatever would move a terminal's cursor, or cannot be written at all."""
    return "".join(each if each.isprintable() else "?" for each in text)
