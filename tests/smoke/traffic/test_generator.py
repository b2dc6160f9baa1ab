"""What the generator counts of real servers on loopback."""

import asyncio
import socket
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from smoke.traffic import Load, Loss, Target, entries
from smoke.traffic.generator import Generator
from tests.smoke.traffic.conftest import sent
from tests.smoke.traffic.server import Server

pytestmark = pytest.mark.load


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 200), ("/500", 500), ("/chunked", 200), ("/empty", 204), ("/until", 200), ("/once", 200), ("/more", 200)],
)
def test_every_answer_is_counted(server: Server, path: str, status: int) -> None:
    """However an answer says where it ends, each is counted once by status and version, and the server saw each once."""
    found = sent(server.url(path), 100.0, 0.5)
    assert (found.offered, found.sent, found.answered, found.lost) == (50, 50, 50, {})
    assert (found.statuses, found.versions, server.seen) == ({status: 50}, {"v1": 50}, 50)


def test_versions_are_told_apart(server: Server) -> None:
    """Answers are counted by the version that each showed."""
    assert sent(server.url("/turns"), 100.0, 0.4).versions == {"v1": 20, "v2": 20}


def test_connections_are_kept(server: Server) -> None:
    """A server that keeps its connections sees fewer of them than requests, since each serves many."""
    assert sent(server.url(), 100.0, 1.0).answered == 100
    assert server.connections < 100


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/close", Loss.CLOSED),
        ("/reset", Loss.RESET),
        ("/half", Loss.HALF),
        ("/cut", Loss.HALF),
        ("/hang", Loss.LATE),
        ("/garbage", f"{Loss.GARBAGE}: it does not begin as one"),
    ],
)
def test_what_has_no_whole_answer_is_lost(server: Server, path: str, reason: str) -> None:
    """A request without a whole answer is lost under its reason, and was sent once."""
    found = sent(server.url(path), 100.0, 0.3, timeout=0.5 if reason == Loss.LATE else 10.0)
    assert (found.offered, found.sent, found.answered, found.lost) == (30, 30, 0, {reason: 30})
    assert (found.latency_max_ms, server.seen) == (None, 30)


def test_nobody_there_is_refused() -> None:
    """Where nobody listens every request is refused."""
    with Server() as gone:
        url = gone.url()
    assert sent(url, 100.0, 0.3).lost == {Loss.REFUSED: 30}


def test_no_connection_in_time() -> None:
    """Where no connection is taken in time the request is lost under a reason of its own."""
    with ExitStack() as open_:
        full = open_.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = open_.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(full.getsockname())
        found = sent(f"http://127.0.0.1:{full.getsockname()[1]}/", 20.0, 0.2, timeout=0.3)
    assert found.lost == {Loss.NOT_CONNECTED: 4}


def test_a_kept_connection_that_closes_instead_is_a_loss(server: Server) -> None:
    """A request that a kept connection took and did not answer is lost, not sent again: it was seen."""
    found = sent(server.url("/second"), 50.0, 0.6)
    assert found.answered > 0
    assert found.lost == {Loss.CLOSED_KEPT: 30 - found.answered}
    assert server.seen == 30


def test_an_idle_connection_that_closed_is_no_loss(server: Server) -> None:
    """A connection that the server closed while nothing was asked of it is replaced, and nothing is lost."""
    found = sent(server.url("/last"), 50.0, 0.6)
    assert (found.answered, found.lost, server.connections) == (30, {}, 30)


def test_an_old_connection_is_not_used_again(server: Server) -> None:
    """A connection that was idle for a second is replaced."""
    assert sent(server.url(), 0.8, 2.4).answered == 2
    assert server.connections == 2


def test_a_freeze_is_seen_by_all_that_were_due(server: Server, tmp_path: Path) -> None:
    """A freeze of 0.5 s or more at 200 a second delays what was due in it by what is left of it: about 80 by more than 0.1 s."""
    server.freeze_after(0.5, 0.5)
    found = sent(server.url(), 200.0, 1.5, record=tmp_path / "record")
    slow = [each for each in entries(tmp_path / "record") if each.latency_ms > 100]
    assert (found.answered, found.lost) == (300, {})
    assert found.latency_max_ms is not None
    assert found.latency_max_ms > 400
    # A busy machine freezes for longer; nothing is due more than a second after it began.
    delayed = 200 * min(found.latency_max_ms / 1000 - 0.1, 1.0)
    assert 0.7 * delayed <= len(slow) <= delayed + 80
    assert max(each.due for each in slow) - min(each.due for each in slow) > 0.25


def test_too_many_outstanding(server: Server) -> None:
    """A request that is due while as many wait as may is lost, and not sent; all that was offered became something."""
    found = sent(server.url("/hang"), 100.0, 0.5, timeout=2.0, outstanding=10)
    assert found.lost == {Loss.LATE: 10, Loss.CROWDED: 40}
    assert (found.offered, found.sent, server.seen) == (50, 10, 10)


def test_the_generator_says_that_it_lags(server: Server) -> None:
    """A generator that was kept from running sends all the same, late, and says how late."""

    async def frozen() -> float:
        load = Load({"it": Target(server.url(), 100.0)}, 1.0)
        asyncio.get_running_loop().call_later(0.3, time.sleep, 0.4)
        found = (await Generator(load).run())["it"]
        assert (found.offered, found.sent, found.answered) == (100, 100, 100)
        assert found.latency_max_ms is not None
        assert found.latency_max_ms > 300
        return found.lag_p99_ms or 0.0

    assert asyncio.run(frozen()) > 300


def test_a_stop_waits_for_what_is_outstanding(server: Server) -> None:
    """After a stop nothing more is due, and what waits for its answer still gets it."""

    async def stopped() -> None:
        generator = Generator(Load({"it": Target(server.url(), 100.0)}, 60.0))
        server.freeze_after(0.2, 0.4)
        asyncio.get_running_loop().call_later(0.4, generator.stop)
        found = (await generator.run())["it"]
        assert found.offered == found.sent == found.answered == server.seen > 0

    asyncio.run(stopped())


def test_giving_up_waits_for_nothing(server: Server) -> None:
    """A generator that is given up counts what it did not wait for."""

    async def given_up() -> None:
        generator = Generator(Load({"it": Target(server.url("/hang"), 100.0)}, 60.0))
        asyncio.get_running_loop().call_later(0.3, generator.give_up)
        found = (await generator.run())["it"]
        assert found.lost[Loss.GIVEN_UP] == found.sent > 0
        assert found.offered == sum(found.lost.values())

    asyncio.run(given_up())


def test_the_record_has_a_line_for_each_request(server: Server, tmp_path: Path) -> None:
    """The record says for each request when it was due, at the fixed interval, and what became of it."""
    found = sent(server.url("/turns"), 50.0, 1.0, record=tmp_path / "record")
    lines = list(entries(tmp_path / "record"))
    due = sorted(each.due for each in lines)
    assert len(lines) == found.offered == 50
    assert {each.version for each in lines} == {"v1", "v2"}
    assert all(abs(at - due[0] - index / 50) < 1e-5 for index, at in enumerate(due))
    assert max(each.latency_ms for each in lines) == pytest.approx(found.latency_max_ms)


def test_a_torn_record_is_read_to_its_last_whole_line(tmp_path: Path) -> None:
    """A last line without its end is not there yet."""
    (tmp_path / "record").write_text('["a",1.5,2.5,200,"v1"]\n["a",1.6,2.5,"half an answer",null]\n["a",1.')
    assert [each.outcome for each in entries(tmp_path / "record")] == [200, "half an answer"]


def test_targets_do_not_share(server: Server) -> None:
    """Each target has its own rate and its own counts; one that is lost does not disturb the other."""
    load = Load({"well": Target(server.url(), 100.0), "ill": Target(server.url("/hang"), 20.0)}, 0.5, timeout=0.3)
    found = asyncio.run(Generator(load).run())
    assert (found["well"].answered, found["well"].lost) == (50, {})
    assert (found["ill"].answered, found["ill"].lost) == (0, {Loss.LATE: 10})
