"""What breaks beside the candidate: users are safe or never notice, and the journal and the exit code say what it was.

The quickest and most telling faults; ``bench/injected.py`` injects all of them, and ``docs/faults.md`` has what it found.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import injected_parts
import injected_people
import pytest
from injecting import Fault, inject
from injecting_stage import stage
from workshop import Workshop

pytestmark = [pytest.mark.engine, pytest.mark.processes, pytest.mark.load]

FAULTS: Mapping[str, Fault] = {**injected_parts.FAULTS, **injected_people.FAULTS}


@dataclass(frozen=True)
class Expected:
    """How it must end."""

    phase: str
    exits: Mapping[str, int]
    because: str = ""


EXPECTED: Mapping[str, Expected] = {
    "drift": Expected("promoted", {"promote": 0}),
    "admin socket gone": Expected("rolled back", {"promote": 10}, "cannot be read"),
    "half-applied": Expected("rolled back", {"promote": 10}, "weights could not be set: quotes"),
    "metric frozen": Expected("rolled back", {"promote": 10}, "the counts stand still for"),
    "probe redirected to the live slot": Expected("rolled back", {"promote": 10}, "307"),
    "candidate hangs": Expected("rolled back", {"promote": 10}, "api"),
    "second operator": Expected("rolled back", {"second promote": 13, "abort": 0, "promote": 8}, "seen enough"),
    "driver stopped": Expected("rolled back", {"abort": 0, "promote": 13}, "aborted by"),
}


@pytest.fixture(scope="module")
def project() -> Iterator[Workshop]:
    """Two weighted services and a singleton; each test promotes a release of its own."""
    with stage() as made:
        yield made


@pytest.mark.parametrize("name", EXPECTED)
def test_users_are_safe_whatever_breaks(project: Workshop, name: str) -> None:
    """With this in the middle of a rollout, it ends as it must, says why, and loses nothing that need not be lost."""
    expected, live = EXPECTED[name], project.status()["live"]
    seen = inject(project, name, FAULTS[name])
    status = project.status()

    assert list(seen.wrong) == []
    assert (seen.phase, seen.exits) == (expected.phase, expected.exits)
    assert expected.because in "\n".join(seen.because)
    assert (status["live"] == live) == (expected.phase == "rolled back")
    assert all(each[status["live"]] == 100 for each in status["weights"].values())
