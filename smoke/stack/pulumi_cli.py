"""A stack of a real Pulumi, by its command line. The contract is read from the state's own file where there is one."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.contract import Contract, ContractError
from smoke.errors import DeployError, NoSuchStack
from smoke.stack.project import Project

_LIMIT = 600.0
"""Seconds that one run of Pulumi may take."""
_TAIL = 25
"""Lines of Pulumi's output that an error carries."""


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
            DeployError: Pulumi failed; traffic is not touched in any case.
        """
        import tempfile  # noqa: PLC0415 - `status` does not wait for it

        contract = self.release()
        recorded = {**contract.placed(), slot: inputs}
        with tempfile.TemporaryDirectory(prefix="crossfade-") as folder:
            settings = Path(folder) / f"Pulumi.{self._stack}.yaml"
            settings.write_text(json.dumps(self._settings(contract, recorded)), encoding="utf-8")
            self._pulumi(["up", "--config-file", str(settings), "--yes", "--skip-preview", "--message", f"revert {slot}"])
        return _differs(self._stack, slot, contract.releases.get(slot), removed=not inputs)

    def _settings(self, contract: Contract, recorded: Mapping[str, Any]) -> Mapping[str, Any]:
        import yaml  # noqa: PLC0415 - only a revert needs it, and `status` may not wait for it

        try:
            own = yaml.safe_load(self._project.settings(self._stack).read_text(encoding="utf-8")) or {}
        except (OSError, yaml.YAMLError) as error:
            raise DeployError("the stack's settings cannot be read", where=str(self._project.settings(self._stack))) from error
        others = {key: value for key, value in own.get("config", {}).items() if not key.startswith("crossfade:")}
        deployed = {f"crossfade:{key}": value for key, value in contract.config.items()}
        return {**own, "config": {**others, **deployed, "crossfade:recorded": recorded}}

    def _outputs(self) -> Mapping[str, Any]:
        state = self._project.state
        file = None if state is None else state / ".pulumi" / "stacks" / self._project.name / f"{self._stack}.json"
        if file is not None and file.is_file():
            return _outputs_in(file)
        if file is not None:
            return {}
        said = self._pulumi(["stack", "output", "--json"])
        found = json.loads(said)
        return found if isinstance(found, Mapping) else {}

    def _pulumi(self, arguments: Sequence[str]) -> str:
        import signal  # noqa: PLC0415 - dito
        import subprocess  # noqa: PLC0415 - dito

        command = ["pulumi", *arguments, "--stack", self._stack, "--non-interactive", "--color", "never"]
        try:
            # A group of its own: a person's Ctrl-C is for us to answer, and Pulumi must not lose a resource by it.
            process = subprocess.Popen(
                command,
                cwd=self._project.folder,
                env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        except OSError as error:
            raise DeployError("pulumi cannot be started", cause=str(error), hint="make setup, then: . ./activate") from error
        try:
            said, _ = process.communicate(timeout=_LIMIT)
        except BaseException:
            os.killpg(process.pid, signal.SIGINT)  # once: a second one would orphan what it is making
            raise
        if process.returncode:
            last = "\n".join(line for line in said.splitlines() if line.strip())
            raise DeployError(
                f"pulumi {arguments[0]} failed with exit code {process.returncode}",
                where=f"stack {self._stack}",
                cause="\n".join(last.splitlines()[-_TAIL:]),
                hint=f"pulumi up --stack {self._stack}",
            )
        return said


def _outputs_in(file: Path) -> Mapping[str, Any]:
    """Outputs of the root resource in a checkpoint. The command line says the same, in ten times the time."""
    try:
        checkpoint = json.loads(file.read_text(encoding="utf-8"))
        resources = (checkpoint["checkpoint"].get("latest") or {}).get("resources") or []
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise DeployError("the stack's state cannot be read", where=str(file), cause=str(error)) from error
    root: Mapping[str, Any] = next((each for each in resources if each.get("type") == "pulumi:pulumi:Stack"), {})
    outputs = root.get("outputs") or {}
    return outputs if isinstance(outputs, Mapping) else {}


def _differs(stack: str, slot: str, failed: str | None, *, removed: bool) -> str:
    now = "is removed" if removed else "holds its last settled inputs"
    return (
        f"slot {slot} {now}; Pulumi.{stack}.yaml still asks for the release that failed ({failed or 'gone'}), "
        "and the next `pulumi up` puts it back at weight 0"
    )
