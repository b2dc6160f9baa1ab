"""What holds for judging who was seen, and for foreign texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from smoke.foreign import LONGEST, printable, shortened
from smoke.model import Answer
from smoke.probes.sight import Question, Sight, identified, instance
from tests.smoke.probes.peers import OTHER, VERSION, placed

SIGHTS = some.builds(
    Sight,
    answer=some.sampled_from(Answer),
    detail=some.text(max_size=20),
    version=some.none() | some.sampled_from(["", VERSION, OTHER]),
    impostor=some.booleans(),
)


@given(sight=SIGHTS)
def test_nobody_is_believed_unshown(sight: Sight) -> None:
    """Only who shows the right version is well; another version is an impostor; what could not be told stays so."""
    judged = identified(sight, placed())
    assert judged.answer is not Answer.OK or judged.version == VERSION
    assert judged.answer is Answer.UNTOLD or judged.version != OTHER or judged.impostor
    assert (judged.answer is Answer.UNTOLD) == (sight.answer is Answer.UNTOLD)


@given(sight=SIGHTS)
def test_to_judge_twice_is_to_judge_once(sight: Sight) -> None:
    """A judged sight has the same answer when it is judged again."""
    judged = identified(sight, placed())
    assert identified(judged, placed()).answer is judged.answer


@given(text=some.text())
def test_foreign_texts_are_safe_to_write(text: str) -> None:
    """A detail and a version can be written to any terminal, whatever the placement said."""
    reading = Question("q", lambda _: Sight(Answer.FAILED, text, text)).read(placed())
    for each in (reading.detail, reading.version, printable(text), shortened(text)):
        assert each is not None
        assert each.isprintable()
        each.encode()


@given(text=some.text())
def test_foreign_texts_are_not_too_long(text: str) -> None:
    """A foreign text that is repeated has one line, and an end."""
    assert len(shortened(text)) <= LONGEST + 4


@pytest.mark.parametrize(
    ("pid", "started", "word"),
    [(7, 1.5, "7@1.5"), (7, "noon", "7@noon"), (7, None, None), (None, 1.5, None), (True, 1.5, None), ([], {}, None)],
)
def test_an_instance_is_whole_or_none(pid: object, started: object, word: str | None) -> None:
    """A word for a process has its id and its start; from half of it nobody can tell one run from the next."""
    assert instance(pid, started) == word
