"""The stand-in for the docker provider: what holds of it with the real Pulumi, and a real Docker engine.

It is a double of ours. What is shown here is that our tests may lean on it; nothing is shown of the provider it stands for.
"""

import json
import os
import time
from typing import Any

import pytest
from standin import Declared, Engine, counts
from workshop import LIMIT, until

pytest_plugins = ["standin_fixtures"]
pytestmark = [pytest.mark.docker, pytest.mark.engine]


def subnet() -> tuple[str, str]:
    """A network outside of those that targets choose, and the first part of its addresses."""
    part = f"10.198.{os.getpid() % 250}"
    return f"{part}.0/24", part


def whole(stack: Declared) -> list[str]:
    """A network, a volume, and a container that has everything."""
    given, part = subnet()
    name = stack.engine.name
    return [
        "net = "
        + stack.thing(
            "Network",
            "net",
            ipam_configs=[{"subnet": given, "gateway": f"{part}.1", "ip_range": f"{part}.240/28"}],
            driver="bridge",
        ),
        "data = " + stack.thing("Volume", "data"),
        stack.container(
            options="depends_on=[net, data]",
            networks_advanced=[{"name": f"{name}-net", "ipv4_address": f"{part}.17", "aliases": ["api", "front"]}],
            hosts=[{"host": "far", "ip": "192.0.2.1"}],
            mounts=[
                {"type": "volume", "source": f"{name}-data", "target": "/data"},
                {"type": "bind", "source": str(stack.folder), "target": "/home", "read_only": True},
            ],
            ports=[{"internal": 8000, "external": 0, "ip": "127.0.0.1"}],
            envs=["B=2", "A=1"],
            command=["one", "two"],
            user="10001:10001",
            working_dir="/data",
            init=True,
            restart="always",
            memory=32,
            memory_swap=64,
            cpus="0.5",
            log_driver="json-file",
            log_opts={"max-size": "1m"},
            stop_signal="SIGUSR1",
            stop_timeout=7,
            destroy_grace_seconds=3,
            must_run=True,
            read_only=True,
            tmpfs={"/tmp": "size=1m"},  # noqa: S108 - in the container
            security_opts=["no-new-privileges:true"],
            capabilities={"drops": ["ALL"]},
            healthcheck={"tests": ["CMD", "/wait"], "interval": "1m30s", "timeout": "500ms", "retries": 2},
        ),
    ]


def test_everything_that_is_declared_is_made_once_and_taken_away_again(stack: Declared, engine: Engine) -> None:
    """The first up makes it all, the second finds nothing to do, destroy leaves nothing."""
    made = stack.up(*whole(stack))
    there = engine.things()
    again = stack.up(words=["--expect-no-changes"])
    stack.pulumi("destroy", "--yes", "--skip-preview")

    assert made == {"created": 5}
    assert there == ["data", "net", "one"]
    assert again == {"unchanged": 5}
    assert engine.things() == []


def test_a_container_is_on_the_engine_what_it_is_in_the_program(stack: Declared, engine: Engine) -> None:
    """Every input arrives at the engine, in the engine's own units."""
    stack.up(*whole(stack))
    found = engine.inspect("one")
    config, host = found["Config"], found["HostConfig"]
    net = engine.inspect("net", "network")
    joined = found["NetworkSettings"]["Networks"]
    given, part = subnet()

    assert net["IPAM"]["Config"] == [{"Subnet": given, "Gateway": f"{part}.1", "IPRange": f"{part}.240/28"}]
    assert list(joined) == [f"{engine.name}-net"]
    assert (joined[f"{engine.name}-net"]["IPAddress"], {"api", "front"} <= set(joined[f"{engine.name}-net"]["Aliases"])) == (
        f"{part}.17",
        True,
    )
    assert {"A=1", "B=2"} <= set(config["Env"])
    assert (config["Entrypoint"], config["Cmd"], config["User"], config["WorkingDir"]) == (
        ["/wait"],
        ["one", "two"],
        "10001:10001",
        "/data",
    )
    assert (config["StopSignal"], config["StopTimeout"]) == ("SIGUSR1", 7)
    assert config["Healthcheck"] == {"Test": ["CMD", "/wait"], "Interval": 90 * 10**9, "Timeout": 5 * 10**8, "Retries": 2}
    assert (host["Memory"], host["MemorySwap"], host["NanoCpus"]) == (32 * 2**20, 64 * 2**20, 5 * 10**8)
    assert (host["Init"], host["RestartPolicy"]["Name"], host["ReadonlyRootfs"]) == (True, "always", True)
    assert (host["ExtraHosts"], host["Tmpfs"]) == (["far:192.0.2.1"], {"/tmp": "size=1m"})  # noqa: S108 - in the container
    assert (host["SecurityOpt"], host["CapDrop"]) == (["no-new-privileges:true"], ["ALL"])
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "1m"}}
    assert {(each["Type"], each["Destination"], each["RW"]) for each in found["Mounts"]} == {
        ("volume", "/data", True),
        ("bind", "/home", False),
    }
    assert found["NetworkSettings"]["Ports"]["8000/tcp"][0]["HostIp"] == "127.0.0.1"


def test_a_preview_does_without_what_is_not_known_yet(stack: Declared, engine: Engine) -> None:
    """What comes of another resource can be previewed, a value or a list, before it is there and when it changes."""
    later = (
        stack.container(hosts=[])
        .replace(repr(engine.image), "net.id")
        .replace("'hosts': []", "'hosts': net.id.apply(lambda _: [])")
    )
    stack.write("net = " + stack.thing("Network", "net"), later)
    first = counts(stack.pulumi("preview").stdout)
    stack.up(stack.container())
    stack.write("net = " + stack.thing("Network", "net"), later)
    second = counts(stack.pulumi("preview").stdout)

    assert (first["to create"], second["to create"], second["to replace"]) == (4, 1, 1)
    assert engine.things() == ["one"]


def test_another_environment_makes_another_container(stack: Declared, engine: Engine) -> None:
    """A change of a variable replaces the container, under its own name; another order of them changes nothing."""
    stack.up(stack.container(envs=["A=1", "B=1"]))
    before = engine.inspect("one")["Id"]
    turned = stack.up(stack.container(envs=["B=1", "A=1"]))
    same = engine.inspect("one")["Id"]
    changed = stack.up(stack.container(envs=["A=2", "B=1"]))
    after = engine.inspect("one")

    assert (turned["unchanged"], same) == (3, before)
    assert changed["replaced"] == 1
    assert "A=2" in after["Config"]["Env"]
    assert after["Id"] != before


def test_another_limit_of_memory_leaves_the_container_running(stack: Declared, engine: Engine) -> None:
    """Memory and the rule of restarts change in place."""
    stack.up(stack.container(memory=32, memory_swap=32))
    before = engine.inspect("one")
    changed = stack.up(stack.container(memory=64, memory_swap=64, restart="always", destroy_grace_seconds=1))
    after = engine.inspect("one")

    assert changed["updated"] == 1
    assert (after["Id"], after["State"]["Pid"]) == (before["Id"], before["State"]["Pid"])
    assert (after["HostConfig"]["Memory"], after["HostConfig"]["RestartPolicy"]["Name"]) == (64 * 2**20, "always")


def test_memory_without_a_limit_of_swap_is_never_settled(stack: Declared) -> None:
    """As upstream: the engine sets a limit of swap of its own, and each up wants it gone."""
    stack.up(stack.container(memory=32))
    again = stack.up()

    assert again["updated"] == 1


def test_a_container_that_was_killed_is_made_again(stack: Declared, engine: Engine) -> None:
    """Up with a refresh leaves what runs alone, and makes anew what does not."""
    stack.up(stack.container(restart="always"))
    before = engine.inspect("one")["Id"]
    calm = stack.up(words=["--refresh"])
    same = engine.inspect("one")["Id"]
    engine.docker("kill", f"{engine.name}-one")
    again = stack.up(words=["--refresh"])
    after = engine.inspect("one")

    assert (calm["unchanged"], same) == (3, before)
    assert again["created"] == 1
    assert (after["State"]["Running"], after["Id"] != before) == (True, True)


def test_a_container_that_need_not_run_is_left_as_it_is(stack: Declared, engine: Engine) -> None:
    """Without ``must_run`` a container that ended is no news."""
    stack.up(stack.container(must_run=False))
    engine.docker("kill", f"{engine.name}-one")
    again = stack.up(words=["--refresh"])

    assert again["unchanged"] == 3
    assert engine.inspect("one")["State"]["Running"] is False


def test_an_image_by_its_tag_makes_another_container_each_time(stack: Declared, engine: Engine) -> None:
    """As upstream: what was made is known by the id of its image, and a tag never equals that."""
    stack.up(stack.container(image=f"{engine.name}:1"))
    again = stack.up()

    assert again["replaced"] == 1


def test_a_change_that_upstream_passes_over_has_to_be_asked_for(stack: Declared, engine: Engine) -> None:
    """A change of ``init`` is refused, unless the program says that it needs another container."""
    stack.up(stack.container(init=False))
    text = stack.refused(stack.container(init=True))
    options = "replace_on_changes=['init'], delete_before_replace=True"
    changed = stack.up(stack.container(options=options, init=True))

    assert "upstream takes a change of init and leaves the container as it is" in text
    assert changed["replaced"] == 1
    assert engine.inspect("one")["HostConfig"]["Init"] is True


@pytest.mark.parametrize(("grace", "code"), [({"destroy_grace_seconds": 10}, "143"), ({"stop_timeout": 10}, "137")])
def test_a_container_is_asked_to_stop_where_it_has_a_grace(
    stack: Declared, engine: Engine, grace: dict[str, Any], code: str
) -> None:
    """As upstream: seconds of grace bring a SIGTERM before the end, the stop timeout alone does not."""
    stack.up(stack.container(init=True, **grace))
    found = engine.inspect("one")
    stack.pulumi("destroy", "--yes", "--skip-preview")
    span = ["--since", found["Created"], "--until", f"{time.time():.9f}"]
    died = engine.docker("events", *span, "--filter", "event=die", "--format", "{{.Actor.ID}} {{.Actor.Attributes.exitCode}}")

    assert f"{found['Id']} {code}" in died.splitlines()


def test_what_is_gone_already_is_no_fault_of_a_destroy(stack: Declared, engine: Engine) -> None:
    """A stack can be taken down when its things were removed by hand."""
    stack.up(stack.thing("Network", "net"), stack.thing("Volume", "data"), stack.container(destroy_grace_seconds=1))
    engine.clear()
    done = stack.pulumi("destroy", "--yes", "--skip-preview")

    assert counts(done.stdout) == {"deleted": 5}


def test_a_network_is_waited_for_until_the_last_has_left_it(stack: Declared, engine: Engine) -> None:
    """Somebody else's container on the network delays a destroy, and does not break it."""
    name = engine.name
    stack.up("net = " + stack.thing("Network", "net"), stack.container(options="depends_on=[net]"))
    engine.docker(
        "run", "-d", "--label", f"crossfade.test={name}", "--network", f"{name}-net", "--name", f"{name}-guest", engine.image
    )
    with stack.begin("destroy", "--yes", "--skip-preview") as going:
        until(lambda: "one" not in engine.things(), "the container of the stack goes")
        engine.docker("rm", "-f", f"{name}-guest")
        ended = going.wait(LIMIT)

    assert ended == 0
    assert engine.things() == []


def test_a_secret_arrives_at_the_container_and_not_in_the_state(stack: Declared, engine: Engine) -> None:
    """The engine gets the plain value, and what Pulumi writes down has it sealed."""
    stack.up(stack.container(envs=["WORD=sesame"]).replace("['WORD=sesame']", "pulumi.Output.secret(['WORD=sesame'])"))
    state = json.dumps(json.loads(stack.pulumi("stack", "export").stdout))

    assert "WORD=sesame" in engine.inspect("one")["Config"]["Env"]
    assert "sesame" not in state
