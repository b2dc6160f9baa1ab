"""What a real Prometheus answers is taken for what it is."""

import pytest

from smoke.errors import MeterError
from smoke.meters import meter
from smoke.model import Counts
from tests.smoke.meters.prometheus import ALL, BAD, FILLS, NEEDED, PROMETHEUS, Exporter, Prometheus
from tests.smoke.routers.envoy_harness import wait_for

pytestmark = [pytest.mark.processes, pytest.mark.skipif(PROMETHEUS is None, reason=NEEDED)]

Scraped = tuple[Prometheus, Exporter]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        (f'{FILLS}{{slot="{{slot}}", pod="gone"}}', "there is no series"),
        ("nothing", "bad is nan, and no number"),
        (FILLS, "there are 2 series: one is wanted"),
        ("1 / 0", "bad is inf, and no number"),
        (f"{FILLS}[1m]", "the answer is no number"),
        ("'a'", "the answer is no number"),
        ("sum(", "the query was refused: bad_data: "),
    ],
)
def test_what_is_not_one_number(prometheus: Scraped, query: str, told: str) -> None:
    """No series, NaN, several series, infinity, a matrix, a text and a wrong query are each told in their own words."""
    server, _ = prometheus
    with pytest.raises(MeterError) as caught:
        meter(server.backend(bad=query)).read()
    assert caught.value.what.startswith(f"blue: {told}")


@pytest.mark.parametrize("query", ["vector(0)", "0", f'sum({FILLS}{{slot="none"}}) or vector(0)'])
def test_what_a_person_says_is_zero(prometheus: Scraped, query: str) -> None:
    """A query that says itself that nothing is zero is believed."""
    server, _ = prometheus
    assert meter(server.backend(bad=query, slots=["green"])).read().slots == {"green": Counts(0, 0)}


def test_what_is_scraped_no_more_is_no_series() -> None:
    """Once the program that is scraped is gone, so are its series: the last numbers are not said again and again."""
    with Exporter() as exporter:
        exporter.publish(**{each.removeprefix("sum(").removesuffix(")").replace("{slot}", "blue"): 1 for each in (BAD, ALL)})
        with Prometheus(exporter.port) as server:
            mine = meter(server.backend(slots=["blue"]))
            wait_for(lambda: server.has(f"count({FILLS})", 1), limit=60)
            assert mine.read().slots == {"blue": Counts(1, 1)}
            exporter.__exit__()
            wait_for(lambda: server.has(f"count({FILLS}) or vector(0)", 0), limit=60)
            with pytest.raises(MeterError, match="blue: there is no series"):
                mine.read()
