"""What is neither remembered nor put back is said, so that a person comes."""

from collections.abc import Mapping
from typing import Any

import pytest
from simulation import Simulation

from smoke.driver import Driver
from smoke.errors import Exit, JournalError, RollbackFailed
from smoke.rollout import apply
from smoke.routers.memory import Fault


class Full:
    """A journal on a full disk."""

    def renew(self, seconds: float) -> None:
        """Not even looked at."""

    def append(self, record: Mapping[str, Any]) -> None:
        """Refuse it."""
        raise JournalError("the journal cannot be written", cause=f"no room for {record['event']}")


def test_traffic_that_cannot_be_put_back_is_said(simulation: Simulation) -> None:
    """With neither the journal nor the weights to be written, the error has both causes, the next command and exit code 11."""
    simulation.router.faults.append(Fault.REFUSE)
    with pytest.raises(RollbackFailed) as raised:
        Driver(simulation.world(), Full(), simulation.clock).run(apply(None, simulation.opened))
    error = raised.value

    assert error.exit == Exit.ROLLBACK_FAILED
    assert error.what == "the journal cannot be written, and not all could be put back: a person is needed now"
    assert error.cause == "no room for looked\nthe weights were refused, as scripted"
    assert error.hint == "mend what it names, then: crossfade abort"
