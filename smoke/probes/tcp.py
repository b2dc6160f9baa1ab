"""A connection to the port, and the operating system's word on who it is that listens there."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from infra.contract import Json, Placement
from smoke.model import Answer
from smoke.probes.address import Address
from smoke.probes.owner import owners
from smoke.probes.settings import settings
from smoke.probes.sight import Question, Sight, failed
from smoke.seams import Probe


def tcp(given: Mapping[str, Json]) -> Probe:
    """The probe.

    Raises:
        UsageError: a setting is missing, unknown or of the wrong kind.
    """
    return Question("tcp", Tcp(**settings("tcp", given, {})).look)


@dataclass(frozen=True, slots=True)
class Tcp:
    """How long a connection may take."""

    timeout: float

    def look(self, placement: Placement) -> Sight:
        """Connect once."""
        address = Address.of(placement)
        with address.connected(time.monotonic() + self.timeout) as connection:
            found = owners(connection, placement)
        owner = next((each for each in found if each.version != placement.version), found[0])
        if owner.version is None:
            raise failed(f"{owner.name} listens on {address}, and was not placed here: it has no CROSSFADE_VERSION")
        return Sight(Answer.OK, f"{owner.name} listens", owner.version, numbers={"rss_mb": sum(each.rss_mb for each in found)})
