"""The docker command, for what is asked of an engine now and then: images, and containers that are thrown away."""

from collections.abc import Mapping
from dataclasses import dataclass

from smoke.errors import DeployError
from smoke.foreign import shortened
from smoke.process import Ended, run

_SOON = 60.0
"""Seconds for what should not take long."""


@dataclass(frozen=True, slots=True)
class Docker:
    """The command, for the engine at an address ``unix:///...``."""

    daemon: str

    def run(self, *words: str, limit: float = _SOON, environment: Mapping[str, str] | None = None) -> Ended:
        """How it ends, within so many seconds; it sees ``environment``, ours by default.

        Raises:
            DeployError: there is no such command.
        """
        try:
            return run(["docker", "-H", self.daemon, *words], "/", limit, environment)
        except OSError as error:
            raise DeployError("there is no docker command", cause=str(error), hint="crossfade doctor") from error

    def asked(self, *words: str, limit: float = _SOON, environment: Mapping[str, str] | None = None) -> str:
        """What it answers, where it ends well.

        Raises:
            DeployError: it does not; says what docker said.
        """
        said = self.run(*words, limit=limit, environment=environment)
        if said.status != 0:
            raise self.failed(said)
        return said.out

    def failed(self, said: Ended) -> DeployError:
        """The error of a command that did not do what it should."""
        cause = "it does not answer" if said.status is None else shortened(last(said.err) or f"exit status {said.status}")
        return DeployError("the engine did not do what it was asked", self.daemon, cause, f"docker -H {self.daemon} info")


def last(text: str) -> str:
    """The last line of a text that says something."""
    return text.strip().rpartition("\n")[2]
