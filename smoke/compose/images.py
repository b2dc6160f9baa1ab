"""Which images and Dockerfiles are Python's, and what they are called on another runtime."""

import re
from dataclasses import dataclass
from typing import Final

ARGUMENT: Final = "PYTHON_VERSION"
"""The build argument by which one Dockerfile serves two runtimes."""
_VERSION = r"\d+(?:\.\d+){0,2}|\$\{[^{}]*\}|\$\w+"
_OFFICIAL = re.compile(rf"((?:[^\s@]+/)?python)(?::({_VERSION})?([^@\s]*))?(?:@\S+)?")
_TAKES = re.compile(rf"^\s*ARG\s+{ARGUMENT}\b(?:=[\"']?([^\s\"']+))?", re.MULTILINE | re.IGNORECASE)
_RUNS = re.compile(
    r"^\s*FROM\s.*\bpython\b|^\s*(?:CMD|ENTRYPOINT)\s.*\b(?:python|uvicorn|gunicorn|streamlit|celery|flask)|\bpip3?\s+install\b",
    re.MULTILINE | re.IGNORECASE,
)
_PROGRAMS = re.compile(r"\b(?:python|uvicorn|gunicorn|streamlit|celery|flask)")


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """What a Dockerfile says of its runtime."""

    python: bool
    takes: bool
    """Whether it has our argument."""
    default: str
    """What the argument is where nobody gives it; may be empty."""


def dockerfile(text: str) -> Dockerfile:
    """Read a Dockerfile by its lines; never by what it would do."""
    takes = _TAKES.findall(text)
    return Dockerfile(bool(takes or _RUNS.search(text)), bool(takes), next(filter(None, takes), ""))


def runs_python(command: object) -> bool:
    """Whether a command or an entry point names a program of Python's."""
    text = " ".join(map(str, command)) if isinstance(command, list) else str(command or "")
    return _PROGRAMS.search(text) is not None


def official(image: str, version: str) -> str | None:
    """The official image of a version, for one of another; None where it is no such image."""
    match = _OFFICIAL.fullmatch(image)
    if match is None:
        return None
    name, _, rest = match.groups()
    variant = "" if rest in {None, "", "latest"} else rest
    return f"{name}:{version}{'-' if variant and not variant.startswith('-') else ''}{variant}"


def argument(default: str, version: str) -> str:
    """The value of our argument: ``3.9-slim`` keeps what stands behind its number."""
    match = re.match(r"\d+(?:\.\d+){0,2}", default)
    return version + (default[match.end() :] if match else "")


def named_apart(image: str, suffix: str) -> str:
    """The name for an image that is built beside one of this name: the tag says the runtime."""
    last = image.rpartition("/")[2]
    return f"{image}-{suffix}" if ":" in last or "$" in last else f"{image}:{suffix}"
