"""What the agent decides by, and what it may not do without its fence."""

import json
from pathlib import Path

import pytest
from trading import feed, fence, heartbeat
from trading.market import START, Market
from trading.settings import MalformedSettingError, choice, flag, number
from trading.strategy import SYMBOL, WINDOW, MeanReversion


def test_it_buys_below_the_mean_and_sells_otherwise() -> None:
    """One order for the last price, by the mean of what it saw."""
    strategy = MeanReversion()
    assert not strategy.ready()
    for price, side in ((100.0, "sell"), (98.0, "buy"), (99.0, "sell"), (90.0, "buy")):
        strategy.see({SYMBOL: price})
        assert (strategy.decide()["side"], strategy.decide()["price"]) == (side, price)


def test_old_prices_are_forgotten() -> None:
    """After a window of others the first price counts no more; symbols that it does not trade never do."""
    strategy = MeanReversion()
    for price in (1e9, *[100.0] * WINDOW, 100.5):
        strategy.see({SYMBOL: price, "ETH-USD": 1.0})
    assert strategy.decide()["side"] == "sell"


def test_the_same_seed_is_the_same_market() -> None:
    """Prices walk a little, and the same way each time."""
    one, other = Market(3), Market(3)
    for _ in range(50):
        before = dict(one.prices)
        assert one.step() == other.step()
        assert all(abs(one.prices[each] / before[each] - 1) <= 0.00101 for each in START)


def test_only_who_holds_the_fence_works(tmp_path: Path) -> None:
    """One slot is named, takes the lock, and lets it go when another is; a broken file is nobody's permit."""
    blue, green = fence.Fence(tmp_path, "blue"), fence.Fence(tmp_path, "green")
    assert blue.settle() is None
    (tmp_path / "fence.json").write_text(json.dumps({"holder": "blue", "token": 4}), encoding="utf-8")
    assert (blue.settle(), green.settle()) == (fence.Permit(4), None)
    (tmp_path / "fence.json").write_text(json.dumps({"holder": "green", "token": 5}), encoding="utf-8")
    assert green.settle() is None
    assert (blue.settle(), green.settle()) == (None, fence.Permit(5))
    (tmp_path / "fence.json").write_text("{", encoding="utf-8")
    assert green.settle() is None
    assert fence.of(None, "blue").settle() == fence.Permit(None)


def test_a_tick_is_read_or_refused() -> None:
    """What is no tick is an error, whatever it is."""
    assert feed.parse('{"seq": 3, "prices": {"BTC-USD": "2.5"}}') == feed.Tick(3, {"BTC-USD": 2.5})
    for message in ("[]", "{}", '{"seq": 1}', '{"seq": 1, "prices": 3}', "no json"):
        with pytest.raises(ValueError, match=r"."):
            feed.parse(message)


def test_a_beat_replaces_the_one_before(tmp_path: Path) -> None:
    """The file is whole at any time, and nothing is left beside it."""
    for beats in (1, 2):
        heartbeat.write(
            tmp_path / "a" / "beat.json",
            heartbeat.Beat("py39-0", "blue", 7, 1.0, beats, 2.0, connected=True, holding=False, token=None),
        )
    assert json.loads((tmp_path / "a" / "beat.json").read_text(encoding="utf-8"))["beats"] == 2
    assert len(list((tmp_path / "a").iterdir())) == 1


def test_settings_are_meant_or_refused() -> None:
    """A number in its bounds, yes or no, one of the known words; anything else is told with its name."""
    assert (number({}, "N", default=2.0, low=0), number({"N": "3"}, "N", default=2.0, low=0)) == (2.0, 3.0)
    assert (flag({"F": "1"}, "F"), flag({}, "F"), choice({}, "C", ("a", "b")), choice({"C": "b"}, "C", ("a", "b"))) == (
        True,
        False,
        "a",
        "b",
    )
    for read in (
        lambda: number({"N": "nan"}, "N", default=1, low=0),
        lambda: number({"N": "x"}, "N", default=1, low=0),
        lambda: number({"N": "7"}, "N", default=1, low=0, high=5),
        lambda: flag({"F": "yes"}, "F"),
        lambda: choice({"C": "z"}, "C", ("a",)),
    ):
        with pytest.raises(MalformedSettingError, match="is malformed"):
            read()
