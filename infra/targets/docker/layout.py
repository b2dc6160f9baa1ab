"""Names, addresses and folders of a stack in containers. Pure.

The network has 16 bits, and an address in it is the port that the same program would have on a machine of its own: blue 10,000
above the users' port, green 20,000. So no two have the same, and none ever changes, whatever is started again or comes later: the
proxy leads to addresses, and a name that pointed to another container for a moment would lead users to the wrong slot.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path, PurePosixPath

from infra.targets.local.home import Home
from infra.targets.local.machine import slot_port

SOCKET = "unix:///var/run/docker.sock"
"""Where an engine listens that nobody says otherwise of."""
FRONT = "front"
"""The name by which containers reach what users reach."""
USER = 10001
"""Id of the user in a container, where root declares it: the one that the images have."""
INSIDE = PurePosixPath("/crossfade")
"""Where a container has what it shares."""
BEAT = INSIDE / "beat" / "beat.json"
APP = "/app"


@dataclass(frozen=True, slots=True)
class Layout:
    """One stack in one engine."""

    stack: str
    home: Home
    daemon: str
    """Address of the engine."""
    subnet: IPv4Network
    owner: tuple[int, int]
    """User and group that declare the stack."""

    @property
    def network(self) -> str:
        """Name of the network."""
        return f"crossfade-{self.stack}"

    def container(self, program: str) -> str:
        """Name of a program's container."""
        return f"crossfade-{self.stack}-{program}"

    def volume(self, service: str) -> str:
        """Name of the volume that both slots of a service share."""
        return f"crossfade-{self.stack}-{service}"

    @property
    def gateway(self) -> str:
        """Address of this machine in the network."""
        return str(self.subnet[1])

    @property
    def spare(self) -> str:
        """Addresses of what does not listen: above every port that a program may have."""
        return str(list(self.subnet.subnets(new_prefix=24))[-1])

    def address(self, port: int, slot: str | None) -> str:
        """Address of a program that listens on ``port``; a companion has no slot."""
        return str(self.subnet[port if slot is None else slot_port(port, slot)])

    @property
    def user(self) -> tuple[int, int]:
        """User and group that containers run as: never root."""
        return self.owner if self.owner[0] else (USER, USER)

    def beat(self, program: str) -> Path:
        """The folder, on this machine, that a program beats into."""
        return self.home.folder / "beats" / program

    def heartbeat(self, program: str) -> str:
        """The file, on this machine, that a program beats into."""
        return str(self.beat(program) / BEAT.name)

    @property
    def labels(self) -> Mapping[str, str]:
        """What tells the stack's things from others'."""
        return {"crossfade.stack": self.stack, "crossfade.home": str(self.home.folder)}


def derived_subnet(home: Home) -> IPv4Network:
    """A network of its own for the stack in a folder, as far as a guess goes."""
    return IPv4Network(f"10.{200 + zlib.crc32(str(home.folder).encode()) % 50}.0.0/16")


def engine_of(host: str | None, shell: Mapping[str, str]) -> str:
    """Address of the engine: the settings', else the shell's, else where one listens by default."""
    return host or shell.get("DOCKER_HOST") or SOCKET
