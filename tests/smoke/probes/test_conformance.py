"""What holds for every probe in the table."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from infra.contract import Backend
from smoke.errors import UsageError
from smoke.model import Answer
from smoke.probes import PROBES, probe
from tests.smoke.probes.cases import CASES, OPTIONAL, SETTINGS, TIMES, backend
from tests.smoke.probes.peers import HEAD, OTHER, VERSION, Peer, ended, placed, refusing, says

pytestmark = pytest.mark.processes

every_kind = pytest.mark.parametrize("kind", PROBES)
listening_kinds = pytest.mark.parametrize("kind", [kind for kind, case in CASES.items() if case.listens])
hanging_kinds = pytest.mark.parametrize("kind", [kind for kind, case in CASES.items() if case.hangs is not None])

ODD = {
    "no address": {"address": None},
    "no port": {"address": "127.0.0.1"},
    "a port beyond the last": {"address": "127.0.0.1:99999"},
    "port 0": {"address": "127.0.0.1:0"},
    "no name of a host": {"address": "..:80"},
    "an address of no machine": {"address": "240.0.0.1:80"},
    "no such folder": {"folder": "/nowhere/at/all"},
    "no such interpreter": {"python": "/nowhere/bin/python"},
    "no such file": {"heartbeat": "/nowhere/at/all"},
    "no file": {"heartbeat": "/"},
    "an environment that cannot be": {"environment": {"A=B": "\0"}},
}


def test_none_escapes() -> None:
    """Every probe of the table is in this suite."""
    assert set(CASES) == set(SETTINGS) == set(PROBES)


@every_kind
def test_what_is_well_is_ok(kind: str, tmp_path: Path) -> None:
    """A placement that answers as itself is read as OK, with the version that it shows."""
    with CASES[kind].shows(VERSION, tmp_path) as (made, placement):
        reading = ended(probe(made), placement)
    assert (reading.answer, reading.version, reading.impostor) == (Answer.OK, VERSION, False), reading.detail


@every_kind
def test_a_reading_says_what_was_asked(kind: str, tmp_path: Path) -> None:
    """A reading has the placement's names, the probe's own, a detail, and how long it took."""
    with CASES[kind].shows(VERSION, tmp_path) as (made, placement):
        asked = probe(made)
        reading = ended(asked, placement)
    assert (reading.service, reading.slot, reading.probe) == ("api", "green", asked.name)
    assert reading.detail
    assert reading.numbers["seconds"] >= 0


@every_kind
def test_another_version_is_an_impostor(kind: str, tmp_path: Path) -> None:
    """Whatever else is well, another version fails as an impostor, and the detail names both versions."""
    with CASES[kind].shows(OTHER, tmp_path) as (made, placement):
        reading = ended(probe(made), placement)
    assert (reading.answer, reading.version, reading.impostor) == (Answer.FAILED, OTHER, True)
    assert OTHER in reading.detail
    assert VERSION in reading.detail


@every_kind
def test_no_version_is_never_well(kind: str, tmp_path: Path) -> None:
    """Whatever else is well, who shows no version fails; that is no impostor, for nobody knows."""
    with CASES[kind].shows(None, tmp_path) as (made, placement):
        reading = ended(probe(made), placement)
    assert (reading.answer, reading.impostor) == (Answer.FAILED, False), reading.detail


@hanging_kinds
def test_a_hanging_peer_is_left(kind: str, tmp_path: Path) -> None:
    """A look at what never answers comes to its end, and fails."""
    hangs = CASES[kind].hangs
    assert hangs is not None
    with hangs(tmp_path) as (made, placement):
        reading = ended(probe(made), placement)
    assert reading.answer is Answer.FAILED
    assert reading.numbers["seconds"] >= 0.25


@listening_kinds
def test_a_port_that_refuses_is_named(kind: str) -> None:
    """A port that nobody listens on fails, and the detail has the address."""
    with refusing() as address:
        reading = ended(probe(backend(kind)), placed(address=address))
    assert reading.answer is Answer.FAILED
    assert address in reading.detail


@listening_kinds
@settings(max_examples=25)
@given(words=some.sampled_from([b"", HEAD, HEAD + b"\r\n", HEAD + b"content-length: 9\r\n\r\n{"]), rest=some.binary(max_size=200))
def test_no_answer_breaks_a_probe(kind: str, words: bytes, rest: bytes) -> None:
    """Whatever bytes are answered, a look ends in a reading, and is not well unless they have the version."""
    with Peer(says(words + rest)) as peer:
        reading = ended(probe(backend(kind)), placed(address=peer.address))
    assert reading.answer is not Answer.OK or words


@every_kind
@pytest.mark.parametrize("changes", ODD.values(), ids=ODD)
def test_no_placement_breaks_a_probe(kind: str, changes: dict[str, object]) -> None:
    """However odd a placement, a look ends in a reading."""
    with refusing() as address:
        reading = ended(probe(backend(kind, timeout=0.5)), placed(**{"address": address, **changes}))
    assert reading.detail


@every_kind
def test_a_missing_setting_is_named(kind: str) -> None:
    """A setting that must be there and is not is a usage error that names it."""
    needed = [name for name in {**SETTINGS[kind], "timeout": 1} if (kind, name) not in OPTIONAL]
    for name in needed:
        given_ = {each: value for each, value in backend(kind).settings.items() if each != name}
        with pytest.raises(UsageError, match=f"probe {kind}: {name} is missing"):
            probe(Backend(kind, given_))


@every_kind
def test_an_unknown_setting_is_named(kind: str) -> None:
    """A setting that a probe does not know is a usage error that names it and the known ones, never passed over."""
    with pytest.raises(UsageError, match="colour is unknown") as caught:
        probe(backend(kind, colour="red"))
    assert all(name in str(caught.value.hint) for name in {**SETTINGS[kind], **TIMES})


@every_kind
@pytest.mark.parametrize("value", [None, True, "", 0, -1, [], {}, float("nan"), float("inf"), 10**400, 86401], ids=str)
@pytest.mark.parametrize("name", ["every", "timeout"])
def test_a_setting_of_the_wrong_kind_is_named(kind: str, name: str, value: object) -> None:
    """A time that is none is a usage error that names the setting."""
    with pytest.raises(UsageError, match=f"{name} is seconds above 0"):
        probe(backend(kind, **{name: value}))


@every_kind
@settings(max_examples=50)
@given(
    value=some.none()
    | some.booleans()
    | some.lists(some.text(max_size=2), max_size=2)
    | some.dictionaries(some.text(), some.none())
)
def test_no_setting_breaks_a_probe(kind: str, value: object) -> None:
    """Whatever a setting is, the probe is made, or it is a usage error."""
    for name in SETTINGS[kind]:
        with suppress(UsageError):
            assert probe(backend(kind, **{name: value})).name


@every_kind
def test_how_often_may_be_left_out(kind: str) -> None:
    """Without ``every`` a probe is made all the same: how often it is asked is not its own concern."""
    assert probe(Backend(kind, {**SETTINGS[kind], "timeout": 1})).name


def test_an_unknown_probe_names_the_known_ones() -> None:
    """A backend that is not in the table is a usage error that lists the table."""
    with pytest.raises(UsageError) as caught:
        probe(Backend("ping", {}))
    assert "'ping'" in caught.value.what
    assert str(caught.value.hint) == f"one of: {', '.join(sorted(PROBES))}"
