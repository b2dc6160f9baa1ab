"""Reports in XML, which strangers' programs wrote."""

from pathlib import Path
from xml.etree import ElementTree as ET

from smoke.errors import UsageError

_LARGEST = 256 * 2**20
"""Bytes of a report."""


def root_of(file: Path, hint: str) -> ET.Element:
    """The outermost element.

    Raises:
        UsageError: it cannot be read, is too large, or is no XML; ``hint`` says what writes one.
    """
    try:
        if file.stat().st_size > _LARGEST:
            raise UsageError(f"{file} is too large for a report", where=str(file), hint=hint)
        text = file.read_text(encoding="utf-8")
        if "<!ENTITY" in text:  # which may be as large as it likes
            raise UsageError(f"{file} defines entities, and no report does", where=str(file), hint=hint)
        return ET.fromstring(text)  # noqa: S314 - see above
    except OSError as error:
        raise UsageError(f"{file} cannot be read", where=str(file), cause=str(error), hint=hint) from error
    except (ET.ParseError, ValueError) as error:
        raise UsageError(f"{file} is no XML", where=str(file), cause=str(error), hint=hint) from error
