"""A build before the one that Pulumi is told of: it says what went wrong.

Pulumi's provider, where it runs the builder as a program, repeats nothing of what that said: ``exit status 1``, and no more. What
is built here is in the builder's cache when the provider builds it again, and what is pushed is the same image.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.images.building import Build, secrets
from infra.images.context import OURS
from infra.images.recipe import DOCKERFILE

LIMIT = 3600.0
"""Seconds that a build may take."""
_LINES, _RULE = 30, "------"
"""Lines of a failure that are told; what the builder draws around the step that failed."""
_FAILED = ("executor failed running", "did not complete successfully")
"""What builders, older and newer, say of a step that failed."""


class BuildError(Exception):
    """It cannot be built; says what the builder said."""


def kept(build: Build) -> list[str]:
    """What becomes of a build, in the builder's words: pushed where there is a registry, else in the builder's cache alone."""
    if build.registry is None:
        return ["--output", "type=cacheonly"]
    labels = [word for name, value in build.labels.items() for word in ("--label", f"{name}={value}")]
    return ["--push", "--tag", build.reference, *labels]


def attempt(build: Build, folder: Path, daemon: str, environ: Mapping[str, str] = os.environ) -> None:
    """Build what is in a folder.

    Raises:
        BuildError: it cannot be built, or pushed.
    """
    done = _ran(build, folder, daemon, environ)
    if done.returncode != 0 and _is_untold(done.stdout):
        done = _ran(build, folder, daemon, environ)
    if done.returncode != 0:
        act = "built" if build.registry is None else "built and pushed"
        raise BuildError(f"the image of {build.recipe.runtime} cannot be {act}, from {folder}:\n{told(done.stdout)}")


def _is_untold(output: str) -> bool:
    """A step failed, and its words are missing: builds that share a step share its end, and its words go to one of them."""
    return any(each in output for each in _FAILED) and not any(line.strip() == _RULE for line in output.splitlines())


def _ran(build: Build, folder: Path, daemon: str, environ: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    given = {f"CROSSFADE_SECRET_{number}": value for number, value in enumerate(secrets(environ).values())}
    try:
        return subprocess.run(
            _words(build, folder, daemon, list(secrets(environ))),
            env={**environ, **given},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BuildError(f"{folder.name}: the build did not end within {LIMIT:g} s, and was ended") from None
    except OSError as error:
        raise BuildError(f"there is no docker to build with: {error}") from None


def _words(build: Build, folder: Path, daemon: str, names: Sequence[str]) -> list[str]:
    arguments = {"PYTHON_VERSION": build.recipe.python, "BASE": build.recipe.base}
    return [
        *("docker", "-H", daemon, "buildx", "build", "--builder", build.builder, "--progress", "plain", *kept(build)),
        *(word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")),
        *(word for number, name in enumerate(names) for word in ("--secret", f"id={name},env=CROSSFADE_SECRET_{number}")),
        *("--file", str(folder / OURS / DOCKERFILE), str(folder)),
    ]


def told(output: str) -> str:
    """What the builder says of its failure: the step that failed with its last words, and where that is in the Dockerfile."""
    lines = [line for line in output.splitlines() if line.strip()]
    first = next((number for number, line in enumerate(lines) if line.strip() == _RULE), max(len(lines) - _LINES, 0))
    return "\n".join(line for line in lines[first:][-_LINES:] if line.strip() != _RULE) or "it says nothing"
