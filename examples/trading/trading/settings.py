"""How one environment variable is read, and the one error of a malformed one.

Standard library only. Which variables there are belongs to `identity` and `faults`.
"""

import math
from collections.abc import Mapping


class MalformedSettingError(ValueError):
    """An environment variable has a value that cannot be meant."""

    def __init__(self, name: str, value: str, wanted: str) -> None:
        super().__init__(f"{name}={value!r} is malformed: it must be {wanted}. Correct it or unset it.")


def number(environ: Mapping[str, str], name: str, *, default: float, low: float, high: float = math.inf) -> float:
    """The finite number between `low` and `high`; `default` when unset or empty."""
    text = environ.get(name, "")
    if not text:
        return default
    wanted = f"a number of at least {low:g}" if high == math.inf else f"a number from {low:g} to {high:g}"
    try:
        value = float(text)
    except ValueError:
        raise MalformedSettingError(name, text, wanted) from None
    if not math.isfinite(value) or not low <= value <= high:
        raise MalformedSettingError(name, text, wanted)
    return value


def flag(environ: Mapping[str, str], name: str) -> bool:
    """Whether the variable is 1; unset, empty and 0 are no."""
    text = environ.get(name, "")
    if text not in {"", "0", "1"}:
        raise MalformedSettingError(name, text, "0 or 1")
    return text == "1"


def choice(environ: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    """One of the known words; the first of them when unset or empty."""
    text = environ.get(name) or known[0]
    if text not in known:
        raise MalformedSettingError(name, text, "one of " + ", ".join(known))
    return text
