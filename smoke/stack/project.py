"""Where a project and its state are on this machine."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from infra.contract import Json
from smoke.errors import UsageError


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with a ``Pulumi.yaml``, and the folder that holds its state."""

    name: str
    folder: Path
    state: Path | None
    """Folder of the file backend; None for any other backend."""
    bucket: Mapping[str, Json] | None = None
    """Where the state is in a bucket, that and its part of it, as a journal of ``s3`` is told it but for the stack."""

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
                hint="export PULUMI_BACKEND_URL=file://$PWD/.state, or: . ./activate; a bucket has one too: s3://BUCKET/PREFIX",
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
    name, url = _name(folder / "Pulumi.yaml"), os.environ.get("PULUMI_BACKEND_URL", "")
    return Project(name, folder, state_folder(folder, url), state_bucket(name, url))


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


def state_bucket(name: str, url: str) -> Mapping[str, Json] | None:
    """Where the journal of a project is, beside a state in a bucket of S3's kind; None where the state is in none.

    What the address says of region and endpoint holds for both: https://www.pulumi.com/docs/iac/concepts/state-and-backends/.
    """
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc:
        return None
    said = dict(parse_qsl(parts.query))
    found = {"bucket": parts.netloc, "prefix": "/".join(word for word in (parts.path.strip("/"), ".crossfade", name) if word)}
    if said.get("region"):
        found["region"] = said["region"]
    if said.get("endpoint"):
        plain = "://" in said["endpoint"]
        scheme = "http" if said.get("disableSSL", "").lower() == "true" else "https"
        found["endpoint"] = said["endpoint"] if plain else f"{scheme}://{said['endpoint']}"
    return found
