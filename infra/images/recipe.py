"""What an image is made of, and the names that follow from it: the same recipe, the same tag."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from infra.content import digest
from infra.contract.document import Json, short

FILES = Path(__file__).parent
"""Where our own Dockerfile and what belongs to it lie."""
DOCKERFILE, IGNORE, HEALTHCHECK = "Dockerfile", "Dockerfile.dockerignore", "healthcheck.py"
REQUIREMENTS, RECIPE = "requirements.txt", "recipe.json"
"""Names in the folder ``.crossfade`` of a build context."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what is in an image. Its values are plain: a target records them, and a revert hands them back."""

    runtime: str
    """For example ``py312``."""
    source: str
    """Digest of the service's folder."""
    lock: str
    """Digest of its locked requirements for this runtime."""
    dockerfile: str
    """Digest of the Dockerfile and of what we put beside it."""
    base: str
    """Reference of the base image. Where it moves, nothing is built anew: pin it by digest to know what you have."""

    @classmethod
    def of(cls, inputs: Mapping[str, Json]) -> Self:
        """What the image of these inputs, which say more than that, is made from."""
        return cls(**{each.name: str(inputs[each.name]) for each in fields(cls)})

    @property
    def content(self) -> str:
        """Digest of all of it."""
        return digest(json.dumps(asdict(self), sort_keys=True).encode())

    @property
    def tag(self) -> str:
        """``<runtime>-<12 hex of the content>``."""
        return f"{self.runtime}-{self.content.removeprefix('sha256:')[:12]}"

    @property
    def folder(self) -> str:
        """Name of the build context's folder: 16 hex of the content."""
        return short(self.content)

    @property
    def python(self) -> str:
        """The runtime as ``3.12``."""
        return f"{self.runtime[2]}.{self.runtime[3:]}"


def base_of(runtime: str) -> str:
    """The base image of a runtime where the settings name none."""
    return f"python:{runtime[2]}.{runtime[3:]}-slim-bookworm"


def dockerfile_digest(own: Path | None = None) -> str:
    """Digest of the Dockerfile, the user's own or else ours, and of what we put beside it.

    Raises:
        OSError: it cannot be read.
    """
    return digest(b"".join(digest(body).encode() for body in beside(own).values()))


def beside(own: Path | None = None) -> dict[str, bytes]:
    """What ``.crossfade`` of a build context holds, but for the requirements: contents by name.

    Raises:
        OSError: a file cannot be read.
    """
    files = {name: FILES / name for name in (DOCKERFILE, IGNORE, HEALTHCHECK)}
    return {name: file.read_bytes() for name, file in {**files, **({} if own is None else {DOCKERFILE: own})}.items()}


def image_name(stack: str, service: str, registry: str | None = None) -> str:
    """``[registry/]crossfade/<stack>-<service>``, in the letters that a name of an image may have."""
    words = re.findall("[a-z0-9]+", f"{stack}-{service}".lower())
    return f"{registry.rstrip('/')}/crossfade/{'-'.join(words)}" if registry else f"crossfade/{'-'.join(words)}"
