"""What holds for the local proxy's meter beyond the suite for all: what becomes of a request, and how it is counted."""

import math
import threading
import time
from bisect import bisect_right
from collections import Counter

import pytest

from infra.targets.local.proxy import grid
from smoke.errors import MeterError
from smoke.meters import meter
from smoke.model import Counts
from tests.smoke.meters.proxy_harness import EDGE, WEBSOCKET, Proxy, Watch
from tests.smoke.meters.rude import Rude
from tests.smoke.routers.envoy_harness import wait_for

pytestmark = pytest.mark.processes
LOST = ["/nothing", "/nothing-reset", "/part", "/part-reset", "/chunk", "/chunk-reset", "/garbage", "/head", "/head-reset"]
LEFT = "downstream_cx_destroy_remote_active_rq"
"""The proxy's counter of clients that went away before their answer was whole."""


def _watch(proxy: Proxy, service: str, slot: str = "blue") -> Watch:
    return Watch(meter(proxy.meter_of(service)), slot)


def _status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_counts_each_slot_by_weight(proxy: Proxy) -> None:
    """Every request is counted for the slot that answered it, none for the other, and each has a latency."""
    proxy.move("api", blue=70, green=30)
    watches = {slot: _watch(proxy, "api", slot) for slot in ("blue", "green")}
    bodies = Counter(proxy.send("api").rpartition(b"v-")[2].decode() for _ in range(60))
    proxy.move("api", blue=100, green=0)
    assert set(bodies) == {"blue", "green"}
    for slot, watch in watches.items():
        assert watch.counted() == (bodies[slot], 0)
        wait_for(lambda slot=slot, watch=watch: watch.measured() == bodies[slot])


def test_a_500_is_an_error_with_a_latency(proxy: Proxy) -> None:
    """An answer of the service's own with 5xx is an error, and was measured like any other; a 404 would be none."""
    watch = _watch(proxy, "rude")
    for path in ("/502", "/ok", "/502", "/ws-refused"):
        proxy.send("rude", path)
    assert watch.counted() == (4, 2)
    wait_for(lambda: watch.measured() == 4)


def test_what_is_not_answered_yet_was_begun(proxy: Proxy) -> None:
    """A request that waits for its answer is begun and no more; one that is sent again, or to nobody, is begun once."""
    read = lambda service: meter(proxy.meter_of(service)).read().slots.get("blue", Counts())  # noqa: E731 - twice
    before = {service: read(service) for service in ("rude", "down")}
    waiting = [proxy.open("rude", "/silent") for _ in range(5)]
    wait_for(lambda: read("rude").begun == before["rude"].begun + 5)
    silent = read("rude")
    for connection in waiting:
        connection.close()
    for service, path in (("rude", "/nothing"), ("rude", "/ok"), ("down", "/")):
        proxy.send(service, path)

    assert silent.requests == before["rude"].requests
    wait_for(lambda: read("rude").begun == before["rude"].begun + 7)
    wait_for(lambda: read("down").begun == before["down"].begun + 1)


def test_nobody_listens(proxy: Proxy) -> None:
    """A request that nobody could be found for is one error, however often the proxy tried; it has no latency."""
    watch = _watch(proxy, "down")
    retries = proxy.counter("cluster.down--blue.upstream_rq_retry")
    for _ in range(5):
        assert _status(proxy.send("down")) == 503
    assert proxy.counter("cluster.down--blue.upstream_rq_retry") == retries + 10
    assert watch.counted() == (5, 5)
    assert watch.measured() == 0


@pytest.mark.parametrize("path", LOST)
def test_a_lost_request_is_one_error(proxy: Proxy, path: str) -> None:
    """A request that got no answer, part of one, or what is none, is one request and one error; no latency is made of it."""
    watch = _watch(proxy, "rude")
    for _ in range(3):
        proxy.send("rude", path)
    proxy.send("rude", "/ok")
    assert watch.counted() == (4, 3)
    wait_for(lambda: watch.measured() == 1)


def test_all_ways_to_lose_one_add_up(mortal: Proxy) -> None:
    """Among requests lost in every way, each is still counted once."""
    watch = _watch(mortal, "rude")
    for path in LOST:
        mortal.send("rude", path)
        mortal.send("rude", "/part")
        mortal.send("rude", "/nothing")
    assert watch.counted() == (3 * len(LOST), 3 * len(LOST))


def test_502s_of_the_past_hide_nothing(mortal: Proxy) -> None:
    """Answers that are cut short are counted, however many 502s the service itself had answered before."""
    mortal.send("rude", "/502")
    watch = _watch(mortal, "rude")
    mortal.send("rude", "/502")
    assert watch.counted() == (1, 1)
    mortal.send("rude", "/part")
    assert watch.counted() == (2, 2)


def test_never_more_errors_than_requests(mortal: Proxy) -> None:
    """A 5xx that is itself cut short, which the proxy counts in two ways, does not make more errors than there were requests."""
    watch = _watch(mortal, "rude")
    mortal.send("rude", "/500-part")
    assert watch.counted() == (1, 1)


@pytest.mark.parametrize("path", ["/ok", "/hints", "/too-much", "/to-the-end"])
def test_a_whole_answer_is_counted_once(mortal: Proxy, path: str) -> None:
    """An answer is one request and no error, whatever came before it, after it, or ended it."""
    watch = _watch(mortal, "rude")
    for _ in range(3):
        assert _status(mortal.send("rude", path)) == 200
    assert watch.counted() == (3, 0)
    wait_for(lambda: watch.measured() == 3)


def test_too_much_beside_clients_that_leave(mortal: Proxy) -> None:
    """Neither answers with too many bytes nor clients that went away are errors, also where there are both."""
    watch = _watch(mortal, "rude")
    for left in range(1, 4):
        mortal.send("rude", "/too-much")
        with mortal.open("rude", "/stuck") as client:
            client.recv(1)
        wait_for(lambda left=left: mortal.counter(f"http.rude.{LEFT}") == left)
    assert watch.counted() == (6, 0)


def test_a_client_that_leaves_before_the_answer(proxy: Proxy) -> None:
    """A request whose client did not wait for the answer was neither answered nor lost: it is not counted."""
    watch, before = _watch(proxy, "api"), proxy.counter(f"http.api.{LEFT}")
    started = proxy.counter("cluster.api--blue.upstream_rq_total")
    with proxy.open("api", "/hang"):
        wait_for(lambda: proxy.counter("cluster.api--blue.upstream_rq_total") == started + 1)
        assert watch.counted() == (0, 0)
    wait_for(lambda: proxy.counter(f"http.api.{LEFT}") == before + 1)
    assert watch.counted() == (0, 0)


def test_a_client_that_leaves_in_the_middle(proxy: Proxy) -> None:
    """A request counts once its answer has begun; that the client did not wait for the rest is no error."""
    watch, before = _watch(proxy, "rude"), proxy.counter(f"http.rude.{LEFT}")
    with proxy.open("rude", "/stuck") as client:
        client.recv(1)
        assert watch.counted() == (1, 0)
    wait_for(lambda: proxy.counter(f"http.rude.{LEFT}") == before + 1)
    assert watch.counted() == (1, 0)
    assert watch.measured() == 0


def test_a_websocket_is_its_handshake(proxy: Proxy) -> None:
    """A socket is one good request as soon as it is open; how long it stays and who ends it count for nothing."""
    watch, before = _watch(proxy, "rude"), proxy.counter(f"http.rude.{LEFT}")
    with proxy.open("rude", "/ws", WEBSOCKET) as client:
        assert client.recv(1000).startswith(b"HTTP/1.1 101 ")
        assert watch.counted() == (1, 0)
    wait_for(lambda: proxy.counter(f"http.rude.{LEFT}") == before + 1)
    assert proxy.send("rude", "/ws-closed", WEBSOCKET).endswith(b"bye")
    assert watch.counted() == (2, 0)
    assert watch.measured() == 0


def test_a_websocket_to_nobody_is_an_error(proxy: Proxy) -> None:
    """A socket that could not be opened is a lost request."""
    watch = _watch(proxy, "down")
    proxy.send("down", "/ws", WEBSOCKET)
    assert watch.counted() == (1, 1)


def test_a_retry_that_works_is_no_error(late: tuple[Proxy, int]) -> None:
    """A request that was answered at the second attempt is one good request; whatever the client saw is what is counted."""
    proxy, port = late
    watch, seen = _watch(proxy, "late"), Counter[int]()
    while not proxy.counter("cluster.late--blue.upstream_rq_retry_success"):
        assert seen.total() < 100, "no retry has worked"
        seen[_answered_late(proxy, port)] += 1
    assert watch.counted() == (seen.total(), seen[503])
    assert set(seen) <= {200, 503}
    wait_for(lambda: watch.measured() == seen[200])


def _answered_late(proxy: Proxy, port: int) -> int:
    """Status of a request that nobody listened for when it came; then somebody does."""
    failed = proxy.counter("cluster.late--blue.upstream_cx_connect_fail")
    with proxy.open("late", "/ok") as client:
        wait_for(lambda: proxy.counter("cluster.late--blue.upstream_cx_connect_fail") > failed)
        with Rude(port):
            return _status(client.recv(1000))


def test_a_slow_answer_is_in_its_bucket(proxy: Proxy) -> None:
    """An answer is counted at the first edge that it surely was not above: not before, and not more than a bucket later."""
    watch, began = _watch(proxy, "api"), time.monotonic()
    proxy.send("api", "/slow")
    took = 1000 * (time.monotonic() - began)
    wait_for(lambda: watch.measured() == 1)
    [edge] = watch.buckets()
    # Two digits of a time are 10 % at most, and an edge is 5 % above the one before.
    assert 200 < edge <= 1.05 * 1.1 * took


def test_the_edges_are_the_projects_own(proxy: Proxy) -> None:
    """Every edge that the proxy was given is there, as the bin of two digits that it falls into begins, and an infinite one."""
    mine = meter(proxy.meter_of("api"))
    proxy.send("api")
    wait_for(lambda: bool(mine.read().slots["blue"].latency))
    bins = [*range(1, 100), *range(100, 1000, 10), *range(1000, 10_000, 100), *range(10_000, 100_000, 1000)]
    begin = sorted({bins[bisect_right(bins, edge) - 1] for edge in grid([EDGE])})
    assert [edge for edge, _ in mine.read().slots["blue"].latency] == [*begin, math.inf]


def test_a_name_that_another_begins_with(proxy: Proxy) -> None:
    """A service is not given what another one had, one's name being the beginning of the other's."""
    api, two = _watch(proxy, "api"), _watch(proxy, "api-two")
    proxy.send("api-two")
    assert (api.counted(), two.counted()) == ((0, 0), (1, 0))
    proxy.send("api")
    assert (api.counted(), two.counted()) == ((1, 0), (1, 0))
    assert set(meter(proxy.meter_of("api")).read().slots) <= {"blue", "green"}
    assert meter(proxy.meter_of("ap")).read().slots == {}
    assert meter(proxy.meter_of("a.*")).read().slots == {}


def test_a_read_is_one_question(proxy: Proxy) -> None:
    """Once something was measured, a read asks the admin once."""
    mine = meter(proxy.meter_of("api"))
    proxy.send("api")
    wait_for(lambda: bool(mine.read().slots["blue"].latency))
    before = proxy.counter("http.admin.downstream_rq_total")
    mine.read()
    assert proxy.counter("http.admin.downstream_rq_total") == before + 2


def test_counts_start_again_with_the_proxy(mortal: Proxy) -> None:
    """After a restart of the proxy a read is no error: the slots are gone, and then count from zero."""
    mine = meter(mortal.meter_of("rude"))
    for _ in range(3):
        mortal.send("rude", "/ok")
    wait_for(lambda: bool(mine.read().slots["blue"].latency))
    edges = [edge for edge, _ in mine.read().slots["blue"].latency]
    mortal.stop()
    mortal.start()
    assert mine.read().slots == {}
    mortal.send("rude", "/ok")
    assert (mine.read().slots["blue"].requests, mine.read().slots["blue"].errors) == (1, 0)
    wait_for(lambda: bool(mine.read().slots["blue"].latency))
    assert [edge for edge, _ in mine.read().slots["blue"].latency] == edges


def test_counts_under_many_at_once(mortal: Proxy) -> None:
    """While requests and losses come from several clients, no number ever goes down, and in the end all are there."""
    watch, mine = _watch(mortal, "rude"), meter(mortal.meter_of("rude"))
    paths = ["/ok", "/part", "/nothing", "/502"] * 10
    clients = [threading.Thread(target=lambda: [mortal.send("rude", path) for path in paths]) for _ in range(3)]
    for each in clients:
        each.start()
    last = Counts()
    while any(each.is_alive() for each in clients):
        now = mine.read().slots.get("blue", Counts())
        assert last.requests <= now.requests
        assert last.errors <= now.errors <= now.requests
        last = now
    requests, errors = watch.counted()
    assert requests == 3 * len(paths)
    # Where cut answers meet 502s of the service's own between two reads, the larger number of the two is all that can be told.
    assert 2 * 3 * 10 <= errors <= 3 * 3 * 10


def test_a_dead_proxy_cannot_be_asked(mortal: Proxy) -> None:
    """With the proxy gone a read raises, and says where it asked."""
    mine = meter(mortal.meter_of("rude"))
    mine.read()
    mortal.stop()
    with pytest.raises(MeterError) as caught:
        mine.read()
    assert caught.value.what == "rude: the proxy does not say what it counted"
    assert caught.value.cause in {f"{mortal.admin}: Connection refused", f"{mortal.admin}: No such file or directory"}
