"""The settings that containers have and processes have not: of the engine, of images, and of what a container may use."""

import ipaddress
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from infra.config.kinds import Model, Runtime, refusal

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([mg])i?b?", re.IGNORECASE)
_MB = {"m": 1, "g": 1024}
LEAST_MEMORY = 6
"""Megabytes: the engine refuses less."""
PREFIX_LENGTH = 16
"""Bits of the stack's network: the other 16 are a port, so that every listener has an address of its own that never changes."""


def _memory(value: Any) -> Any:  # noqa: ANN401 - whatever was written
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is not None:
        return int(float(match[1]) * _MB[match[2].lower()])
    raise refusal("memory is a number with its unit: 512m, 2g")


def _subnet(value: str) -> str:
    try:
        found = ipaddress.IPv4Network(value)
    except ValueError as error:
        raise refusal(f"it is no network: {error}", "10.213.0.0/16") from error
    if found.prefixlen != PREFIX_LENGTH:
        raise refusal(f"a stack's network has {PREFIX_LENGTH} bits", f"{found.network_address!s}/{PREFIX_LENGTH}")
    if not found.is_private:
        raise refusal("it is public: others have its addresses", "10.213.0.0/16")
    return str(found)


def _host(value: str) -> str:
    if not value.startswith("unix:///"):
        raise refusal(
            "the engine is reached by a socket of this machine, as files are shared with it", "unix:///var/run/docker.sock"
        )
    return value


Memory = Annotated[int, BeforeValidator(_memory), Field(ge=LEAST_MEMORY)]
"""Megabytes."""
Cpus = Annotated[float, Field(gt=0, le=1024, allow_inf_nan=False)]
Reference = Annotated[str, Field(min_length=1, pattern=r"^[a-z0-9][A-Za-z0-9._:/@-]*$")]
"""An image: name, and tag or digest."""


class DockerSettings(Model):
    """The engine that a stack's containers run in, and where its images come from and go to."""

    host: Annotated[str, AfterValidator(_host)] | None = Field(
        default=None,
        examples=["unix:///var/run/docker.sock"],
        description="the socket of the engine; without it DOCKER_HOST says",
    )
    subnet: Annotated[str, AfterValidator(_subnet)] | None = Field(
        default=None, examples=["10.213.0.0/16"], description="the network of the stack's containers; a spare one by default"
    )
    proxy: Reference = Field(
        default="envoyproxy/envoy:v1.40.0", examples=["envoyproxy/envoy:v1.40.0"], description="image of the proxy in front"
    )
    registry: Reference | None = Field(
        default=None,
        examples=["registry.example.com/team"],
        description="where images are pushed, and taken from by digest; without it they stay in the engine",
    )
    builder: str = Field(default="default", min_length=1, examples=["default"], description="what `docker buildx ls` calls it")
    bases: dict[Runtime, Reference] = Field(
        default={},
        examples=[{"py312": "python:3.12-slim-bookworm@sha256:" + 64 * "0"}],
        description="the image that a runtime's images begin from, best by digest; python:<version>-slim-bookworm by default",
    )
