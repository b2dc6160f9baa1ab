"""How a backend is found in the table of its seam: by its name, or not at all; and loaded when it is used, with its libraries."""

from collections.abc import Callable, Mapping
from importlib import import_module
from operator import attrgetter
from typing import Any

from smoke.errors import UsageError


def backend(seam: str, table: Mapping[str, str], kind: str) -> Callable[..., Any]:
    """What makes the backend of that kind. There is no fallback: a word that nobody knows is never taken for another.

    Args:
        seam: what a person calls it.
        table: by kind, where its maker is: ``module:name``.
        kind: which one.

    Raises:
        UsageError: there is none; names those that there are.
    """
    if kind not in table:
        raise UsageError(f"there is no {seam} {kind!r}", hint=f"one of: {', '.join(sorted(table))}")
    module, _, name = table[kind].partition(":")
    maker: Callable[..., Any] = attrgetter(name)(import_module(module))
    return maker
