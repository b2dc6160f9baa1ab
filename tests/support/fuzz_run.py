"""Runs one target on many broken inputs, and says what came of them."""

import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from fuzz_inputs import inputs

Check = Callable[[bytes], str]
"""What became of an input, as the name of a class and where it was raised; AssertionError: what no document says."""
LONGEST = 20_000
"""Characters that an error may have: it is for a person to read."""
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Target:
    """A parser, and what it is fed with."""

    name: str
    check: Callable[[], AbstractContextManager[Check]]
    """Makes whatever the check needs, for as long as it is used."""
    seeds: Sequence[bytes]
    """Whole inputs, as the real thing gives them."""
    words: Sequence[bytes] = ()
    """Of the format."""
    cost: int = 1
    """One input costs as much time as that many of a parser that asks nobody."""


@dataclass(slots=True)
class Found:
    """What came of some inputs."""

    inputs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[bytes, str]] = field(default_factory=list)
    slowest: float = 0.0
    """Milliseconds."""


def plain(check: Check) -> Callable[[], AbstractContextManager[Check]]:
    """A check that needs nothing."""
    return lambda: nullcontext(check)


def fuzz(target: Target, count: int, seed: int) -> Found:
    """Feed so many inputs; the same seed feeds the same ones."""
    found = Found()
    with target.check() as check:
        for data in islice(inputs(target.seeds, target.words, seed), max(count // target.cost, len(target.seeds))):
            began = time.perf_counter()
            try:
                found.outcomes[check(data)] += 1
            except AssertionError as error:
                found.faults.append((data, str(error)))
            found.slowest = max(found.slowest, 1000.0 * (time.perf_counter() - began))
            found.inputs += 1
    return found


def outcome(act: Callable[[], object], *documented: type[Exception], ours: bool = False) -> str:
    """What came of it: ``ok``, or which documented error from where; ``ours``: of data that only we write.

    Raises:
        AssertionError: another error, or one that no terminal can show.
    """
    try:
        act()
    except documented as error:
        if not ours:
            shown(str(error))
        return f"{type(error).__name__} {_place(error)}"
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {str(error)[:200]} {_place(error)}") from error
    return "ok"


def shown(text: str) -> None:
    """Assert that a terminal can show it, and a person read it."""
    assert len(text) <= LONGEST, f"a message of {len(text)} characters"
    found = {each for each in text if not each.isprintable() and each != "\n"}
    assert not found, f"a message with {sorted(found)!r} in it"


def _place(error: BaseException) -> str:
    """The line of the project's own that it comes from."""
    while isinstance(error.__cause__, type(error)):
        error = error.__cause__
    ours = [each for each in traceback.extract_tb(error.__traceback__) if Path(each.filename).is_relative_to(ROOT / "smoke")]
    ours += [each for each in traceback.extract_tb(error.__traceback__) if Path(each.filename).is_relative_to(ROOT / "infra")]
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "outside"
