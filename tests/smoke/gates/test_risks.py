"""Lines that may do something else: each kind is found by its look, what only looks like it is not, and who saw it says so."""

from pathlib import Path

import pytest

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates import Answer, gate
from smoke.gates.risks import RISKS

FOUND = {
    "mixed-enum": "class Side(str, Enum):\n    BUY = 'buy'",
    "timeout-alias": "try:\n    pass\nexcept (KeyError, socket.timeout):\n    pass",
    "timeout-branch": "try:\n    await asyncio.wait_for(work(), 1)\nexcept OSError:\n    reconnect()",
    "thread-at-exit": "import atexit\npool = ThreadPoolExecutor()\natexit.register(pool.shutdown)",
    "naive-utc": "now = datetime.datetime.utcnow()",
    "tls-floor": "context = ssl.create_default_context()",
    "old-hash": "digest = hashlib.new('md4', text)",
    "float-sum": "total = sum(price / 100 for price in prices)",
    "event-loop": "loop = asyncio.get_event_loop()",
    "fork-threads": "threading.Thread(target=work).start()\npid = os.fork()",
    "wider-dates": "try:\n    at = datetime.fromisoformat(text)\nexcept ValueError:\n    at = None",
    "checked-protocol": "@runtime_checkable\nclass Sized(Protocol): ...",
    "loop-argument": "queue = asyncio.Queue(loop=loop)",
    "made-default": "@dataclass(frozen=True)\nclass A:\n    limits: Limits = Limits()",
    "computed-import": "backend = importlib.import_module(names[wanted])",
    "archive-filter": "archive.extractall(folder)",
}
NONE = {
    "an Enum that says how it is written": "class Side(str, Enum):\n    def __str__(self): return self.value",
    "an Enum of nothing else": "class Side(Enum):\n    BUY = 'buy'",
    "the builtin's own name": "try:\n    pass\nexcept TimeoutError:\n    pass",
    "a network error where nobody waits": "try:\n    pass\nexcept OSError:\n    pass",
    "an end without threads": "import atexit\natexit.register(close)",
    "whole numbers": "total = sum(counts)",
    "a fork without threads": "pid = os.fork()",
    "a filter": "archive.extractall(folder, filter='data')",
    "a field that is made for each": "@dataclass\nclass A:\n    limits: list[int] = field(default_factory=list)",
    "a name that can be read": "importlib.import_module('json')",
    "a loop of somebody else's": "client = Client(loop=loop)",
    "a text": "'datetime.utcnow()'",
}


def looked(folder: Path, source: str, most: str = "0", versions: tuple[str, str] = ("3.9", "3.12")) -> Answer:
    """What the gate says of a source."""
    (folder / "one.py").write_text(source, encoding="utf-8")
    return gate("risks")([most, *versions, str(folder)])


@pytest.mark.parametrize(("rule", "source"), FOUND.items(), ids=FOUND)
def test_each_kind_is_found(tmp_path: Path, rule: str, source: str) -> None:
    """By the look of the line, with the version since when it is so."""
    found = looked(tmp_path, source)
    assert found.outcome is Outcome.FAIL
    assert [each.rule for each in found.places] == [rule]
    assert f"since {RISKS[rule].since}" in found.detail


def test_one_line_is_one_hint(tmp_path: Path) -> None:
    """A handler that names both the timeout and the network's errors is told once."""
    found = looked(tmp_path, "try:\n    wait_for(work(), 1)\nexcept (OSError, asyncio.TimeoutError):\n    pass")
    assert [each.rule for each in found.places] == ["timeout-alias"]


def test_every_kind_has_an_example() -> None:
    """No kind is without a test."""
    assert set(FOUND) == set(RISKS)


@pytest.mark.parametrize("source", NONE.values(), ids=NONE)
def test_what_only_looks_like_it_passes(tmp_path: Path, source: str) -> None:
    """What says itself how it wants to be, and what has not both sides of the trouble, is no hint."""
    found = looked(tmp_path, source)
    assert (found.outcome, found.value, found.n) == (Outcome.PASS, 0, 1)


def test_some_may_be_allowed(tmp_path: Path) -> None:
    """As many as are allowed are told and pass; one more fails."""
    source = "a = datetime.utcnow()\nb = datetime.utcnow()\n"
    assert looked(tmp_path, source, "2").outcome is Outcome.PASS
    assert len(looked(tmp_path, source, "2").lines) == 2
    assert looked(tmp_path, source, "1").outcome is Outcome.FAIL


def test_what_somebody_saw_is_no_hint(tmp_path: Path) -> None:
    """A line says with a comment that it was looked at."""
    source = "a = datetime.utcnow()  # crossfade: seen\nb = datetime.utcnow()\n"
    assert [each.line for each in looked(tmp_path, source).places] == [2]


def test_what_lies_outside_of_the_move_is_no_hint(tmp_path: Path) -> None:
    """What changed before the old version, or after the new one, is the same on both."""
    assert looked(tmp_path, FOUND["naive-utc"], versions=("3.9", "3.11")).outcome is Outcome.PASS
    assert looked(tmp_path, FOUND["tls-floor"], versions=("3.10", "3.12")).outcome is Outcome.PASS


def test_what_cannot_be_read_is_undecided(tmp_path: Path) -> None:
    """A source that is no Python is named; a folder without any has measured nothing."""
    assert looked(tmp_path, "def").outcome is Outcome.UNDECIDED
    (tmp_path / "one.py").unlink()
    assert gate("risks")(["0", "3.9", "3.12", str(tmp_path)]).outcome is Outcome.UNMEASURED


@pytest.mark.parametrize("words", ["0 3.9 3.12", "x 3.9 3.12 .", "0 2.7 3.12 .", "0 3.9 3.12 /nowhere/at/all"])
def test_what_makes_no_sense_is_refused(words: str) -> None:
    """Each has a hint with what to write."""
    with pytest.raises(UsageError) as caught:
        gate("risks")(words.split())
    assert caught.value.hint
