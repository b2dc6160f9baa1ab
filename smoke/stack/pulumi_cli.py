"""A stack of a real Pulumi, by its command line. The contract is read from the state's own file where there is one.

A Pulumi that was killed leaves a lock, a note of what it was making, and the process that was making it. Before anything is
deployed all three are put in order. Measured with Pulumi 3.259: the next `up` drops pending updates and deletions, also where it
has nothing to do; it keeps pending creations for ever, and creates once more. The outputs of the stack stay.
"""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.contract import Contract, ContractError
from smoke.errors import DeployError, Locked, NoSuchStack
from smoke.stack import checkpoint
from smoke.stack.project import Project

_QUIET = "--suppress-outputs"
"""The contract is among them: as the last thing that Pulumi says it would hide an error."""
_LIMIT = 600.0
"""Seconds that one act may take, all its runs of Pulumi together; to end them comes on top."""


class PulumiStack:
    """One stack of one project."""

    def __init__(self, project: Project, stack: str) -> None:
        self._project = project
        self._stack = stack

    def release(self) -> Contract:
        """The contract of what is deployed.

        Raises:
            NoSuchStack: it was never brought up.
            DeployError: its contract cannot be read.
        """
        outputs = self._outputs()
        if not outputs.get("crossfade"):
            raise NoSuchStack(
                f"stack {self._stack} was never brought up",
                where=str(self._project.settings(self._stack)),
                hint=f"pulumi up --stack {self._stack}",
            )
        try:
            return Contract.from_json(outputs["crossfade"])
        except ContractError as error:
            raise DeployError(
                f"the contract of stack {self._stack} cannot be read",
                cause=str(error),
                hint=f"pulumi up --stack {self._stack}, with the same version of Crossfade as this",
            ) from error

    def revert(self, slot: str, inputs: Mapping[str, Mapping[str, Any]]) -> str:
        """Put ``slot`` back to recorded ``inputs``, and keep every other slot at what is placed now.

        The stack's own settings file is not touched: Pulumi is given another one.

        Raises:
            Locked: another Pulumi works on the stack; says whose.
            DeployError: Pulumi failed; traffic is not touched in any case.
        """
        return self._tidied(lambda until: self._reverted(slot, inputs, until))

    def busy(self) -> str | None:
        """Whose Pulumi holds the stack's lock; one that is dead does not."""
        from smoke.stack.locks import locks, stale  # noqa: PLC0415 - `status` does not wait for it

        folder = self._project.locks(self._stack)
        try:
            return next((str(each) for each in locks(folder) if not stale(each)), None) if folder is not None else None
        except DeployError:
            return None

    def deploy(self) -> None:
        """Run the user's own settings.

        Raises:
            Locked: another Pulumi works on the stack; says whose.
            DeployError: Pulumi failed.
        """
        self._tidied(lambda until: self._up(["--message", "deploy"], until))

    def _reverted(self, slot: str, inputs: Mapping[str, Mapping[str, Any]], until: float) -> str:
        import tempfile  # noqa: PLC0415 - `status` does not wait for it

        contract = self.release()
        recorded = {**contract.placed(), slot: inputs}
        with tempfile.TemporaryDirectory(prefix="crossfade-") as folder:
            settings = Path(folder) / f"Pulumi.{self._stack}.yaml"
            # Dates are words to Pulumi.
            settings.write_text(json.dumps(self._settings(contract, recorded), default=str), encoding="utf-8")
            self._up(["--config-file", str(settings), "--message", f"revert {slot}"], until)
        return _differs(self._stack, slot, contract.releases.get(slot), removed=not inputs)

    def _up(self, more: Sequence[str], until: float) -> str:
        return self._pulumi(["up", "--yes", "--skip-preview", *more, _QUIET], until)

    def _tidied(self, act: Callable[[float], str]) -> str:
        """Act on a stack that is in order, within the limit."""
        until = time.monotonic() + _LIMIT
        self._tidy(until)
        try:
            return act(until)
        except Locked:
            # Somebody took the lock after our look: now he is named, is done, or is dead.
            self._tidy(until)
            return act(until)

    def _tidy(self, until: float) -> None:
        """Put in order what a Pulumi that died has left behind."""
        from smoke.stack.locks import clear  # noqa: PLC0415 - dito
        from smoke.stack.orphans import end_orphans  # noqa: PLC0415 - dito
        from smoke.stack.sidecars import mend  # noqa: PLC0415 - dito

        folder, file = self._project.locks(self._stack), self._project.checkpoint(self._stack)
        if folder is not None and file is not None:
            clear(folder, self._stack, lambda: mend(file), lambda: self._pulumi(["cancel", "--yes"], until))
        end_orphans(self._project, os.environ.get("PULUMI_BACKEND_URL", ""))
        if file is not None and "creating" in checkpoint.pending(file):
            # What was being made may be there, or not: our things can be made once more.
            self._pulumi(["refresh", "--yes", "--skip-preview", "--clear-pending-creates", _QUIET], until)

    def _settings(self, contract: Contract, recorded: Mapping[str, Any]) -> Mapping[str, Any]:
        import yaml  # noqa: PLC0415 - only a revert needs it, and `status` may not wait for it

        file = self._project.settings(self._stack)
        try:
            own = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
            config = own.get("config") or {}
            others = {key: value for key, value in config.items() if not key.startswith("crossfade:")}
        except (OSError, ValueError, AttributeError, RecursionError, yaml.YAMLError) as error:
            raise DeployError("the stack's settings cannot be read", where=str(file), cause=str(error)) from error
        deployed = {f"crossfade:{key}": value for key, value in contract.config.items()}
        return {**own, "config": {**others, **deployed, "crossfade:recorded": recorded}}

    def _outputs(self) -> Mapping[str, Any]:
        file = self._project.checkpoint(self._stack)
        if file is not None:
            return checkpoint.outputs(file)
        said = self._pulumi(["stack", "output", "--json"], time.monotonic() + _LIMIT)
        # What it warns of, as of a bucket without checksums, comes before or behind the document, which is on lines of its own.
        begins = f"\n{said}".find("\n{")
        try:
            found: Mapping[str, Any] = json.JSONDecoder().raw_decode(said, begins)[0]
        except (ValueError, RecursionError) as error:
            raise DeployError("the stack's outputs cannot be read", where=f"stack {self._stack}", cause=str(error)) from error
        return found

    def _pulumi(self, arguments: Sequence[str], until: float) -> str:
        from smoke.stack.command import pulumi  # noqa: PLC0415 - dito

        return pulumi(arguments, self._stack, self._project.folder, max(until - time.monotonic(), 1.0))


def _differs(stack: str, slot: str, failed: str | None, *, removed: bool) -> str:
    now = "is removed" if removed else "holds its last settled inputs"
    return (
        f"slot {slot} {now}; Pulumi.{stack}.yaml still asks for the release that failed ({failed or 'gone'}), "
        "and the next `pulumi up` puts it back at weight 0"
    )
