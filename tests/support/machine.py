"""What tests ask of the machine: free ports, and to wait until something holds."""

import os
import time
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from infra.config.ports import ports_of
from infra.targets.local.machine import is_free

T = TypeVar("T")
_FIRST, _LAST = 10_000, 12_700
"""Ports whose slots lie below those that the system gives to outgoing connections."""
_given: deque[int] = deque(maxlen=64)
"""The newest that were given: whoever asks twice before it listens wants two."""


def wait_for(condition: Callable[[], T], what: str = "the condition holds", *, limit: float, pause: float = 0.01) -> T:
    """The condition's first true answer.

    Raises:
        TimeoutError: it has none within the limit, in seconds; says ``what`` was waited for.
    """
    deadline = time.monotonic() + limit
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {limit:g} s: {what}")
        time.sleep(pause)
    return answer


def free_ports(count: int = 1) -> range:
    """Ports in a row that nobody listens on, nor on those of their slots, and that nobody was given just now."""
    start = _FIRST + os.getpid() % 100 * 20
    for first in (*range(start, _LAST - count), *range(_FIRST, start)):
        block = range(first, first + count)
        every = [each for port in block for each in ports_of(port, slotted=True)]
        if set(_given).isdisjoint(block) and all(is_free("127.0.0.1", each) for each in every):
            _given.extend(block)
            return block
    raise RuntimeError("no free ports")


def free_port() -> int:
    """One such port."""
    return free_ports()[0]
