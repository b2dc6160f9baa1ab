"""Who reaches a slot of the local proxy by name, and what becomes of what is open, by the real proxy."""

import threading
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

from infra.contract import Backend, route_document
from smoke.routers import router
from smoke.seams import Router
from tests.smoke.routers.envoy_harness import Envoy, wait_for
from tests.smoke.routers.upstream import Upstream
from tests.smoke.routers.visitors import Door, door, echoes, pair, session

pytestmark = pytest.mark.processes
KEPT = {"blue": 100, "green": 0}
"""With green kept: nobody reaches it but by name."""


@pytest.fixture
def mine(shared: Envoy) -> Router:
    """The shared proxy's router; green has no weight and is kept."""
    made = router(shared.sticky)
    made.write(KEPT, {"green"})
    return made


@pytest.fixture
def front(shared: Envoy, mine: Router) -> Iterator[Door]:
    """A way in to that."""
    del mine
    with door(shared.port) as opened:
        yield opened


@pytest.fixture
def green() -> Iterator[Upstream]:
    """A slot of the test's own, which may be stopped."""
    with Upstream("v-green") as upstream:
        yield upstream


@pytest.fixture
def proxy(upstreams: dict[str, Upstream], green: Upstream, shared: Envoy) -> Iterator[Envoy]:
    """A proxy of the test's own in front of it."""
    del shared  # skips where there is no proxy
    with Envoy({"blue": upstreams["blue"].port, "green": green.port}) as proxy:
        yield proxy


# Pairs


@pytest.mark.parametrize(
    ("source", "forged"),
    [
        ("127.0.0.2", ()),
        ("127.0.0.2", ("x-envoy-internal: true",)),
        ("127.0.0.1", ("x-forwarded-for: 127.0.0.1",)),
        ("127.0.0.1", ("x-forwarded-for: 203.0.113.9", "x-envoy-internal: true")),
    ],
)
def test_nobody_from_outside_asks_for_a_slot(shared: Envoy, mine: Router, source: str, forged: tuple[str, ...]) -> None:
    """Another address, or a request that was passed on for one, is split by weights, whatever it says of itself."""
    del mine
    with door(shared.port, source) as outside:
        assert outside.ask(pair("green"), *forged).slot == "blue"
    with door(shared.port) as inside:
        assert inside.ask(pair("green")).slot == "green"


@pytest.mark.parametrize("wanted", ["blue", "green", "red"])
@pytest.mark.parametrize("source", ["127.0.0.1", "127.0.0.2"])
def test_the_header_goes_no_further(shared: Envoy, mine: Router, wanted: str, source: str) -> None:
    """No service sees whose pair its caller is: it cannot pass it on by mistake."""
    del mine
    with door(shared.port, source) as opened:
        assert "x-crossfade-slot" not in opened.ask(pair(wanted), "x-other: 1", path="/head").body.lower()
        assert "x-other" in opened.ask(pair(wanted), "x-other: 1", path="/head").body.lower()


@pytest.mark.parametrize("value", ["red", "", "green,blue", "GREEN", "greenish", "100"])
def test_a_slot_that_is_none_is_split_by_weights(front: Door, value: str) -> None:
    """A caller that names no slot that is reached is answered all the same, by weights."""
    assert front.ask(pair(value)).slot == "blue"


def test_a_pair_gets_no_cookie(front: Door) -> None:
    """A caller that names its slot is no browser, also where it carries a browser's cookie: it goes where it says."""
    answer = front.ask(pair("green"), session("prices", "blue"))

    assert (answer.slot, answer.cookie) == ("green", None)


def test_pairs_do_without_sessions(shared: Envoy) -> None:
    """A service that keeps no sessions hears its callers, and no cookie."""
    router(shared.router).write(KEPT, {"green"})
    with door(shared.port) as opened:
        assert opened.ask(pair("green")).slot == "green"
        answer = opened.ask(session("prices", "green"))
        assert (answer.slot, answer.cookie) == ("blue", None)


# Sessions


def test_the_cookie_says_how_long(envoy: Envoy) -> None:
    """The cookie is for the whole site, for no script, for as many seconds as the setting says, or eight hours."""
    for settings_, seconds in (({}, 28800), ({"affinity": 60.0}, 60)):
        router(Backend("envoy", {**envoy.sticky.settings, **settings_})).write(KEPT)
        with door(envoy.port) as opened:
            cookie = f"set-cookie: crossfade-prices=blue; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax"
            assert cookie in opened.ask().headers.splitlines()


def test_a_browser_replaces_its_cookie(shared: Envoy) -> None:
    """A browser whose slot is not heard of any more has one cookie afterwards, and stays where that says."""
    jar = CookieJar()
    browser = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(jar))
    seen = []
    for weights, keep in (({"blue": 0, "green": 100}, ()), (KEPT, ()), ({"blue": 0, "green": 100}, {"blue"})):
        router(shared.sticky).write(weights, keep)
        with browser.open(f"http://127.0.0.1:{shared.port}/deep/path", timeout=10) as answer:
            seen.append((answer.read().decode(), [cookie.value for cookie in jar]))

    assert seen == [("v-green", ["green"]), ("v-blue", ["blue"]), ("v-blue", ["blue"])]


PIECES = ["crossfade-prices=green", "xcrossfade-prices=green", "crossfade-prices-b=green", "crossfade-prices=greenish", "a=b", ""]
PIECES += [
    "crossfade-prices=red",
    'crossfade-prices="green"',
    "Crossfade-Prices=green",
    "crossfade-prices",
    "=",
    "a=\xf6\xff",
    "\t",
]
cookies = some.lists(some.tuples(some.sampled_from(PIECES), some.sampled_from([";", "; ", ";;", " ; ", ", ", "="])), max_size=6)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=cookies.map(lambda drawn: "".join(piece + after for piece, after in drawn)))
@example(text="; ".join(f"cookie{each}=value" for each in range(3000)) + "; crossfade-prices=green")
@example(text="a=" + "x" * 50_000 + "; crossfade-prices=green")
@example(text="crossfade-prices=red; crossfade-prices=green")
def test_which_cookie_is_heard(front: Door, text: str) -> None:
    """A session is kept by a cookie of exactly that name and value, wherever it stands among others; else the browser is new."""
    answer = front.ask(f"cookie: {text}")
    kept = any(each.lstrip(" \t") == "crossfade-prices=green" for each in text.strip(" \t").split(";"))

    assert (answer.slot, answer.cookie) == (("green", None) if kept else ("blue", "blue"))


def test_two_values_are_one_side(front: Door) -> None:
    """A browser with two cookies of the name is always on the same side, in whichever order and headers it sends them."""
    both = [f"cookie: {session('prices', 'green')[8:]}; {session('prices', 'blue')[8:]}"]
    turned = [session("prices", "blue"), session("prices", "green")]

    assert {front.ask(*headers).slot for headers in (both, turned, turned[::-1])} == {"blue"}


def test_too_many_cookies_are_refused(shared: Envoy, mine: Router) -> None:
    """Headers that are longer than the proxy takes are a plain 431."""
    del mine
    with door(shared.port) as opened:
        assert opened.ask("cookie: a=" + "x" * 70_000).status == 431


# What is open


def test_a_websocket_belongs_to_its_session(shared: Envoy, mine: Router, upstreams: dict[str, Upstream]) -> None:
    """An upgrade carries the cookie too: it is opened at the session's slot."""
    del mine
    for slot, upstream in upstreams.items():
        before = upstream.seen
        with door(shared.port) as opened:
            assert echoes(opened.upgrade(session("prices", slot)))
        assert upstream.seen == before + 1


def test_an_open_websocket_ends_with_its_process(proxy: Envoy, green: Upstream) -> None:
    """Weights leave an open websocket alone, also without its slot; it ends when the process does, and is opened at the other."""
    mine = router(proxy.sticky)
    with door(proxy.port) as opened, door(proxy.port) as again:
        mine.write(KEPT, {"green"})
        websocket = opened.upgrade(session("prices", "green"))
        for share, keep in ((50, ()), (100, {"blue"}), (0, {"green"}), (0, ())):
            mine.write({"blue": 100 - share, "green": share}, keep)
            assert echoes(websocket)
        green.stop()
        assert not echoes(websocket)
        assert echoes(again.upgrade(session("prices", "green")))


def test_a_request_under_way_is_answered_where_it_went(shared: Envoy, mine: Router, upstreams: dict[str, Upstream]) -> None:
    """A request that is at its slot when that loses everything is answered by it."""
    answers = []
    before = upstreams["green"].seen
    with door(shared.port) as opened:
        asking = threading.Thread(target=lambda: answers.append(opened.ask(session("prices", "green"), path="/slow")))
        asking.start()
        wait_for(lambda: upstreams["green"].seen > before)
        mine.write(KEPT)
        asking.join(10)

    assert [(each.status, each.slot) for each in answers] == [(200, "green")]


def test_what_is_kept_survives_a_restart(envoy: Envoy) -> None:
    """A proxy that was killed hears the same sessions and callers when it comes back, and new ones go by the same weights."""
    router(envoy.sticky).write({"blue": 0, "green": 100}, {"blue"})
    envoy.stop()
    envoy.start()
    with door(envoy.port) as opened:
        headers = [(session("prices", "blue"),), (pair("blue"),), ()]
        assert [each.slot for each in opened.many(headers)] == ["blue", "blue", "green"]


def test_weights_that_were_written_without_names_still_hold(upstreams: dict[str, Upstream], shared: Envoy) -> None:
    """A proxy that starts on a document of the version before serves it, and hears nobody's name."""
    del shared
    document = route_document("prices", KEPT, version="5", keep={"green"})
    host = document["resources"][0]["virtual_hosts"][0]
    del host["request_headers_to_remove"]
    host["routes"] = host["routes"][-1:]
    with Envoy({slot: each.port for slot, each in upstreams.items()}, route=document) as old, door(old.port) as opened:
        assert router(old.router).read() == KEPT
        assert opened.ask(pair("green")).slot == "blue"
