"""What holds for the agent: it works only with the fence, and never two at once."""

import fcntl
import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from trading_harness import AgentProcess, Process, Runtime, System, until

pytestmark = pytest.mark.processes

Grant = Callable[[object], None]


@pytest.fixture
def fence(tmp_path: Path) -> Path:
    """The fence folder, granted to nobody."""
    folder = tmp_path / "fence"
    folder.mkdir()
    return folder


@pytest.fixture
def grant(fence: Path) -> Grant:
    """Replaces `fence.json` whole, as the toolkit does."""

    def replace(words: object) -> None:
        fresh = fence / "fence.json.new"
        fresh.write_text(words if isinstance(words, str) else json.dumps(words), encoding="utf-8")
        fresh.replace(fence / "fence.json")

    return replace


@pytest.fixture
def agent(system: System, own: Runtime, exchange: Process, fence: Path) -> AgentProcess:
    """A warm agent of the blue slot."""
    agent = system.agent(own.app, "blue", exchange, CROSSFADE_FENCE=str(fence))
    until(lambda: agent.beat["connected"], "connected")
    return agent


@pytest.fixture
def pair(system: System, old: Runtime, new: Runtime, exchange: Process, fence: Path) -> dict[str, AgentProcess]:
    """A warm agent in each slot, blue on the old runtime and green on the new one."""
    agents = {
        "blue": system.agent(old.app, "blue", exchange, CROSSFADE_FENCE=str(fence)),
        "green": system.agent(new.app, "green", exchange, CROSSFADE_FENCE=str(fence)),
    }
    for agent in agents.values():
        until(lambda agent=agent: agent.beat["connected"], "connected")
    return agents


def _orders(exchange: Process) -> list[dict[str, Any]]:
    return list(exchange.ask("/orders").json["orders"])


def _locked(fence: Path) -> bool:
    lock = os.open(fence / "fence.lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False


@pytest.mark.parametrize(
    "words",
    [
        None,
        "{",
        {"holder": None, "token": 1},
        {"holder": "green", "token": 1},
        {"holder": "blue"},
        {"holder": "blue", "token": True},
        {"holder": "blue", "token": "1"},
        ["blue", 1],
    ],
)
def test_without_the_fence_it_is_warm(agent: AgentProcess, exchange: Process, grant: Grant, fence: Path, words: object) -> None:
    """With a missing, invalid or other slot's fence the agent beats, holds nothing and orders nothing."""
    if words is not None:
        grant(words)
    beats = agent.later()
    assert beats[-1]["beats"] > beats[0]["beats"]
    assert {(beat["holding"], beat["token"]) for beat in beats} == {(False, None)}
    assert not _locked(fence)
    assert _orders(exchange) == []


def test_with_the_fence_it_works(agent: AgentProcess, own: Runtime, exchange: Process, grant: Grant, fence: Path) -> None:
    """With the fence the agent holds the lock, beats so, and orders with slot, version, token and sequence."""
    grant({"holder": "blue", "token": 3})
    orders = until(lambda: found if len(found := _orders(exchange)) >= 5 else None, "five orders")
    beat = until(lambda: beat if (beat := agent.beat)["holding"] else None, "a heartbeat that says holding")
    assert (beat["version"], beat["slot"], beat["token"], beat["pid"]) == (own.version, "blue", 3, agent.process.popen.pid)
    assert _locked(fence)
    assert {(order["slot"], order["version"], order["token"]) for order in orders} == {("blue", own.version, 3)}
    assert [order["seq"] for order in orders] == list(range(1, len(orders) + 1))


def test_no_singleton_works_without_a_fence(system: System, own: Runtime, exchange: Process) -> None:
    """An agent that was given no fence folder may work."""
    system.agent(own.app, "blue", exchange)
    assert until(lambda: _orders(exchange), "an order")[0]["token"] is None


def test_taken_fence_makes_it_warm(agent: AgentProcess, exchange: Process, grant: Grant, fence: Path) -> None:
    """When the fence is taken away the agent releases the lock, orders nothing more and goes on beating."""
    grant({"holder": "blue", "token": 1})
    until(lambda: _orders(exchange), "an order")
    grant({"holder": None, "token": 1})
    until(lambda: not _locked(fence), "the lock is free", limit=1)
    count = len(_orders(exchange))
    until(lambda: not agent.beat["holding"], "a heartbeat that says warm")
    beats = agent.later()
    assert beats[-1]["beats"] > beats[0]["beats"]
    assert len(_orders(exchange)) == count


def test_lock_of_another_keeps_it_warm(agent: AgentProcess, exchange: Process, grant: Grant, fence: Path) -> None:
    """A granted agent does not work while somebody else holds the lock, and works once it is free."""
    lock = os.open(fence / "fence.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    grant({"holder": "blue", "token": 1})
    assert {beat["holding"] for beat in agent.later()} == {False}
    assert _orders(exchange) == []
    os.close(lock)
    until(lambda: _orders(exchange), "an order")


def test_hand_over_never_has_two_at_work(pair: dict[str, AgentProcess], exchange: Process, grant: Grant) -> None:
    """Over many hand-overs every order is its holder's, tokens never fall, and no sequence has a gap."""
    for token, slot in enumerate(itertools.islice(itertools.cycle(pair), 10), start=1):
        grant({"holder": slot, "token": token})
        until(lambda token=token: exchange.ask("/orders").json["highest"] == token, f"an order with token {token}", limit=5)
    orders = _orders(exchange)
    holders = {token: ("blue", "green")[(token - 1) % 2] for token in range(1, 11)}
    assert [order["slot"] for order in orders] == [holders[order["token"]] for order in orders]
    assert [order["token"] for order in orders] == sorted(order["token"] for order in orders)
    for slot in pair:
        seqs = [order["seq"] for order in orders if order["slot"] == slot]
        assert seqs == list(range(1, len(seqs) + 1))
    for agent in pair.values():
        assert "refused" not in agent.process.output


def test_lock_of_a_deleted_file_counts_for_nothing(agent: AgentProcess, exchange: Process, grant: Grant, fence: Path) -> None:
    """When the lock file is replaced under a working agent it takes the new one before it orders again."""
    grant({"holder": "blue", "token": 1})
    until(lambda: _orders(exchange), "an order")
    until(lambda: agent.beat["holding"], "holding")
    (fence / "fence.lock").unlink()
    until((fence / "fence.lock").exists, "a new lock file", limit=1)
    until(lambda: _locked(fence), "the new lock is held", limit=1)


def test_death_frees_the_fence(pair: dict[str, AgentProcess], exchange: Process, grant: Grant) -> None:
    """After the holder is killed the other slot works as soon as it is granted the fence."""
    grant({"holder": "blue", "token": 1})
    until(lambda: _orders(exchange), "an order of blue")
    pair["blue"].process.kill()
    grant({"holder": "green", "token": 2})
    until(lambda: _orders(exchange)[-1]["slot"] == "green", "an order of green")


def test_sigterm_lets_go(agent: AgentProcess, exchange: Process, grant: Grant, fence: Path) -> None:
    """At SIGTERM the agent releases the lock, says so in a last heartbeat and ends with status 0."""
    grant({"holder": "blue", "token": 1})
    until(lambda: _orders(exchange), "an order")
    assert agent.process.terminate() == 0
    assert agent.beat["holding"] is False
    assert not _locked(fence)


def test_feed_comes_back(agent: AgentProcess, exchange: Process, system: System, new: Runtime) -> None:
    """Without the exchange the beats stand still; when it is back they move again."""
    exchange.kill()
    until(lambda: not agent.beat["connected"], "not connected")
    beats = agent.later()
    assert beats[-1]["beats"] == beats[0]["beats"]
    system.serve("exchange", new.app, port=exchange.port)
    until(lambda: agent.beat["beats"] > beats[-1]["beats"], "beats move again")
    until(lambda: agent.beat["connected"], "connected again")


def test_never_ready(system: System, own: Runtime, exchange: Process) -> None:
    """With the fault the agent goes on writing heartbeats and never says connected."""
    agent = system.agent(own.app, "blue", exchange, FAULT_NEVER_READY="1")
    assert {beat["connected"] for beat in agent.later(8)} == {False}


def test_silent_feed(system: System, own: Runtime, exchange: Process) -> None:
    """With the fault the agent is connected and its beats stand still."""
    agent = system.agent(own.app, "blue", exchange, FAULT_SILENT_FEED="1")
    until(lambda: agent.beat["connected"], "connected")
    assert {beat["beats"] for beat in agent.later()} == {0}


def test_wrong_version(system: System, own: Runtime, exchange: Process) -> None:
    """With the fault the heartbeat reports the wrong identity."""
    agent = system.agent(own.app, "blue", exchange, FAULT_WRONG_VERSION="1")
    assert agent.beat["version"] == "py27-000000000000"
