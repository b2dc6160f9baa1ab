"""A stack whose Pulumi is elsewhere: who drives in a cluster moves traffic, and leaves the rest to whoever has the project."""

from collections.abc import Mapping
from typing import Any

from infra.contract import Contract
from smoke.errors import DeployError


class AwayStack:
    """The contract alone."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    def release(self) -> Contract:
        """As it was handed over."""
        return self._contract

    def revert(self, slot: str, inputs: Mapping[str, Mapping[str, Any]]) -> str:
        """Never here.

        Raises:
            DeployError: always.
        """
        del slot, inputs
        raise self._error()

    def deploy(self) -> None:
        """Never here.

        Raises:
            DeployError: always.
        """
        raise self._error()

    def busy(self) -> str | None:
        """Nobody knows; so nobody waits for it."""

    def _error(self) -> DeployError:
        return DeployError("Pulumi is not here", where=self._contract.stack, hint="crossfade abort, where the project is")
