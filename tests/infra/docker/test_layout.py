"""Names, addresses and folders of a stack in containers."""

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from infra.config.ports import HIGHEST
from infra.targets.docker.layout import Layout, derived_subnet, engine_of
from infra.targets.docker.placing import container, environment, words
from infra.targets.local.home import Home

INPUTS = {
    "kind": "http",
    "runtime": "py312",
    "source": "sha256:a",
    "lock": "sha256:b",
    "dockerfile": "sha256:c",
    "base": "python:3.12-slim-bookworm",
    "health": "/health/",
    "command": ["serve", "--bind", "{host}:{port}"],
    "env": {"LOG_LEVEL": "info"},
    "port": 8080,
}


def layout(owner: tuple[int, int] = (1000, 100)) -> Layout:
    """A stack's, declared by this user."""
    return Layout("staging", Home(Path("/home/of/it")), "unix:///engine.sock", IPv4Network("10.213.0.0/16"), owner)


@given(some.lists(some.integers(256, HIGHEST), unique=True, min_size=2, max_size=2))
def test_no_two_programs_have_one_address(ports: list[int]) -> None:
    """Whatever the ports, both slots of both services, and a companion, have addresses of their own within the network."""
    one, other = ports
    wanted = {*(one, one + 10_000, one + 20_000), *(other, other + 10_000, other + 20_000)}
    asked = [(one, "blue"), (one, "green"), (other, "blue"), (other, "green"), (one, None)]
    found = [IPv4Address(layout().address(port, slot)) for port, slot in asked]

    if len(wanted) == 6:  # the settings refuse ports that meet
        assert len(set(found)) == 5
    assert all(each in layout().subnet for each in found)
    assert IPv4Address(layout().gateway) not in found


def test_a_home_has_a_network_of_its_own() -> None:
    """The same folder always has the same network; of many folders, few share one."""
    found = [derived_subnet(Home(Path(f"/home/{each}"))) for each in range(40)]

    assert found == [derived_subnet(Home(Path(f"/home/{each}"))) for each in range(40)]
    assert len(set(found)) > 20


@pytest.mark.parametrize(
    ("host", "shell", "expected"),
    [
        ("unix:///mine", {"DOCKER_HOST": "unix:///other"}, "unix:///mine"),
        (None, {"DOCKER_HOST": "unix:///other"}, "unix:///other"),
        (None, {}, "unix:///var/run/docker.sock"),
    ],
)
def test_where_the_engine_is(host: str | None, shell: dict[str, str], expected: str) -> None:
    """The settings say it first, then the shell, then where it listens by default."""
    assert engine_of(host, shell) == expected


def test_a_container_is_never_root() -> None:
    """It runs as whoever declares it, and where that is root, as the user that the images have."""
    assert container(layout(), "api", "blue", INPUTS)["user"] == "1000:100"
    assert container(layout((0, 0)), "api", "blue", INPUTS)["user"] == "10001:10001"


def test_a_slot_listens_on_the_users_port_at_an_address_of_its_own() -> None:
    """Both slots listen on the same port, on addresses that are their ports of a machine of its own; nothing is published."""
    slots = {slot: container(layout(), "api", slot, INPUTS) for slot in ("blue", "green")}

    assert {slot: each["networks_advanced"][0]["ipv4_address"] for slot, each in slots.items()} == {
        "blue": str(IPv4Network("10.213.0.0/16")[18080]),
        "green": str(IPv4Network("10.213.0.0/16")[28080]),
    }
    assert words(INPUTS) == ["serve", "--bind", "0.0.0.0:8080"]
    assert all("ports" not in each for each in slots.values())


def test_a_companion_is_reached_from_this_machine_alone() -> None:
    """Its port is published on loopback, and other containers know it by its name."""
    found = container(layout(), "exchange", None, {**INPUTS, "kind": "companion", "port": 9000})

    assert found["ports"] == [{"internal": 9000, "external": 9000, "ip": "127.0.0.1"}]
    assert found["networks_advanced"][0]["aliases"] == ["exchange"]


def test_two_slots_of_one_content_differ_in_nothing_but_their_place() -> None:
    """What a program is given differs in the slot's name alone, so that the same content has the same version in both."""
    blue, green = (environment("api", slot, INPUTS) for slot in ("blue", "green"))

    assert {name for name in blue if blue[name] != green[name]} == {"CROSSFADE_SLOT"}


def test_a_singleton_shares_its_fence_with_the_other_slot_and_its_beat_with_nobody() -> None:
    """Both containers have the same fence folder, each its own folder to beat into, and no address that is somebody's port."""
    singleton = {name: value for name, value in {**INPUTS, "kind": "singleton"}.items() if name != "port"}
    found = {slot: container(layout(), "agent", slot, singleton) for slot in ("blue", "green")}
    mounts = {slot: {each["target"]: each["source"] for each in given["mounts"]} for slot, given in found.items()}

    assert mounts["blue"]["/crossfade/fence"] == mounts["green"]["/crossfade/fence"] == "/home/of/it/fences/agent"
    assert mounts["blue"]["/crossfade/beat"] != mounts["green"]["/crossfade/beat"]
    assert all("ipv4_address" not in given["networks_advanced"][0] for given in found.values())


def test_limits_are_what_was_written() -> None:
    """Memory in megabytes and processors as a text where they are given; else there are none."""
    limited = container(layout(), "api", "blue", {**INPUTS, "memory": 512, "cpus": 1.5})

    assert (limited["memory"], limited["cpus"]) == (512, "1.5")
    assert not {"memory", "cpus"} & container(layout(), "api", "blue", INPUTS).keys()
