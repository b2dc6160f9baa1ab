"""Where a project and its state are on this machine."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from smoke.errors import UsageError


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with a ``Pulumi.yaml``, and the folder that holds its state."""

    name: str
    folder: Path
    state: Path | None
    """Folder of the file backend; None for any other backend."""

    def settings(self, stack: str) -> Path:
        """The stack's settings file, whether it exists or not."""
        return self.folder / f"Pulumi.{stack}.yaml"

    def checkpoint(self, stack: str) -> Path | None:
        """The stack's state; None where it is in no folder."""
        return None if self.state is None else self.state / ".pulumi" / "stacks" / self.name / f"{stack}.json"

    def locks(self, stack: str) -> Path | None:
        """The folder of Pulumi's locks on the stack; None where the state is in no folder."""
        return None if self.state is None else self.state / ".pulumi" / "locks" / "organization" / self.name / stack

    def journal(self, stack: str) -> Path:
        """The folder of the stack's journal, beside the Pulumi state.

        Raises:
            UsageError: the state is in no folder.
        """
        if self.state is None:
            raise UsageError(
                "the journal needs a state backend that is a folder",
                where="PULUMI_BACKEND_URL",
                hint="export PULUMI_BACKEND_URL=file://$PWD/.state, or: . ./activate",
            )
        return self.state / ".crossfade" / self.name / stack


def find_project(start: Path) -> Project:
    """The project that ``start`` is in.

    Raises:
        UsageError: no folder from here upward has a Pulumi.yaml.
    """
    start = start.resolve()
    folder = next((each for each in (start, *start.parents) if (each / "Pulumi.yaml").is_file()), None)
    if folder is None:
        raise UsageError(
            "this is no Crossfade project",
            where=str(start),
            cause="no Pulumi.yaml here or above",
            hint="cd into the folder with your Pulumi.yaml",
        )
    return Project(_name(folder / "Pulumi.yaml"), folder, state_folder(folder, os.environ.get("PULUMI_BACKEND_URL", "")))


def _name(file: Path) -> str:
    lines = file.read_text(encoding="utf-8").splitlines()
    # Read by hand: the YAML reader costs a fifth of what `status` may take.
    name = next((line.removeprefix("name:").strip() for line in lines if line.startswith("name:")), "")
    if not name:
        raise UsageError("the project has no name", where=f"{file}:name", hint="name: crossfade")
    return name.strip("\"'")


def state_folder(folder: Path, url: str) -> Path | None:
    """Where the state of a project is that is told such a backend; None where that is no folder."""
    if not url:
        return folder / ".state"
    parts = urlsplit(url)
    if parts.scheme != "file":
        return None
    return Path(f"{parts.netloc}{parts.path}").expanduser().absolute()
