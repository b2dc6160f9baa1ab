"""What holds for the provider, called as Pulumi calls it."""

import base64
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import dill
import pytest
from google.protobuf import json_format, struct_pb2
from hypothesis import given, settings
from hypothesis import strategies as some
from pulumi.dynamic.dynamic import serialize_provider

from infra.targets.local.declaring import program_spec
from infra.targets.local.launch import PASSED_ON
from infra.targets.local.placing import environment
from infra.targets.local.provider import Provider, plain, spec_of
from infra.targets.local.things import THINGS
from tests.infra.local.place import Place, wait_for

WAITS = "import time; print('up'); time.sleep(600)"
VALUES = some.recursive(
    some.text(some.characters(codec="utf-8"), max_size=8)
    | some.booleans()
    | some.integers(-(2**53), 2**53)
    | some.floats(-1e6, 1e6).map(lambda number: round(number, 3)),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.sampled_from(["a", "b c", "__d", "born"]), inner),
)


@pytest.fixture(autouse=True)
def limit() -> Iterator[None]:
    """The provider shortens tracebacks of the whole process that Pulumi starts for it: not those of the tests."""
    yield
    vars(sys).pop("tracebacklimit", None)


def through_pulumi(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Values after the way that all of Pulumi's take: whole numbers come back as others."""
    message = struct_pb2.Struct()
    json_format.ParseDict(properties, message)
    return {"__provider": "abc", **json_format.MessageToDict(message)}


def properties(stack: Place, kind: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """What Pulumi hands over for a thing."""
    return through_pulumi({**spec, "id": f"the {kind}", "home": str(stack.home.folder)})


def folder(place: Place) -> dict[str, Any]:
    """What Pulumi hands over for the folder."""
    return properties(place, "folder", {"start": "blue"})


def said(call: Callable[[], object]) -> str:
    """What Pulumi prints of a call that fails; not every Python has the first line where no other follows."""
    try:
        call()
    except Exception:  # noqa: BLE001 - as it does
        return traceback.format_exc().removeprefix("Traceback (most recent call last):\n")
    raise AssertionError("it did not fail")


@settings(max_examples=60, deadline=None)
@given(value=VALUES)
def test_values_come_back_as_they_were(value: Any) -> None:  # noqa: ANN401
    """Whatever a spec holds is the same after its way through Pulumi, kinds of numbers included."""
    spec = spec_of(through_pulumi({"value": value}))
    assert json.dumps(spec, sort_keys=True) == json.dumps({"value": plain(value)}, sort_keys=True)
    assert spec == {"value": value}


def test_a_spec_is_what_was_declared() -> None:
    """Keys of Pulumi's own and what a thing has said are left out, but not a variable that is called alike."""
    given = {"__provider": "x", "born": "now", "a": {"__name": 1.0, "born": 2.0}}
    assert spec_of(given) == {"a": {"__name": 1, "born": 2}}


@pytest.mark.parametrize("kind", THINGS)
def test_is_small_in_the_state(kind: str) -> None:
    """Every resource carries its provider: by name, not as code."""
    stored = serialize_provider(Provider(kind))
    assert len(stored) < 200
    assert dill.loads(base64.b64decode(stored)).kind == kind  # noqa: S301 - our own


@pytest.mark.processes
def test_a_folder_from_birth_to_end(place: Place) -> None:
    """Created it says when it was born; it stays that way when it is looked at, updated, and until it is deleted."""
    provider, wanted = Provider("folder"), folder(place)
    made = provider.create(wanted)
    assert made.id == "folder the folder"
    assert made.outs is not None
    kept = {**made.outs, "born": made.outs["born"]}
    assert not provider.diff(made.id, kept, wanted).changes
    assert not provider.diff(made.id, kept, {**wanted, "start": "green"}).changes
    assert provider.update(made.id, kept, wanted).outs == kept
    provider.delete(made.id, kept)
    assert not place.home.folder.exists()


@pytest.mark.processes
def test_what_has_died_is_a_change(stack: Place) -> None:
    """A supervisor or a program that is gone shows as a change, and an update heals it."""
    wanted = properties(stack, "program", stack.program("one", WAITS))
    program, ground = Provider("program"), Provider("folder")
    created = program.create(wanted).outs
    assert created is not None
    assert not program.diff("id", created, wanted).changes
    os.kill(stack.supervisor_pid, signal.SIGKILL)
    wait_for(lambda: not stack.supervisor.answers())
    stack.kill()
    assert ground.diff("id", folder(stack), folder(stack)).changes
    assert program.diff("id", created, wanted).changes
    ground.update("id", folder(stack), folder(stack))
    program.update("id", created, wanted)
    assert not program.diff("id", created, wanted).changes
    assert not ground.diff("id", folder(stack), folder(stack)).changes


@pytest.mark.processes
def test_a_program_that_is_described_otherwise_is_a_change(stack: Place) -> None:
    """Another variable, a variable less, and another port are changes; the same again is none."""
    spec = stack.program("one", WAITS, A="1", B="2")
    wanted = properties(stack, "program", spec)
    Provider("program").create(wanted)
    for other in (stack.program("one", WAITS, A="2", B="2"), stack.program("one", WAITS, A="1"), {**spec, "port": 2}):
        assert Provider("program").diff("id", wanted, properties(stack, "program", other)).changes
    assert not Provider("program").diff("id", wanted, wanted).changes


def test_another_shell_is_no_change(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a program is described with does not hold the shell that declares: an up from elsewhere restarts nothing."""
    digest = f"sha256:{'0' * 64}"
    inputs = {"kind": "http", "runtime": "py312", "source": digest, "lock": digest, "command": ["python"], "env": {}, "port": 80}
    specs = []
    for shell in ("here", "there"):
        for name in PASSED_ON:
            monkeypatch.setenv(name, shell)
        specs.append(program_spec(place.home, "api--blue", inputs, environment(place.home, "api", "blue", inputs)))
    assert specs[0] == specs[1]


@pytest.mark.parametrize("act", ["create", "update"])
def test_says_one_sentence(place: Place, act: str) -> None:
    """What we know to say is said alone: no line of ours, no cause behind it."""
    wanted = properties(place, "source", {"digest": "sha256:0", "for": "api"})
    words = [wanted] if act == "create" else ["id", wanted, wanted]
    text = said(lambda: getattr(Provider("source"), act)(*words))
    sentence = "version sha256:0 of api is gone: put its source back, or destroy the stack"
    assert text == f"infra.targets.local.things.thing.ThingError: {sentence}\n"


@pytest.mark.parametrize("name", ["a[b]", "x" * 100])
def test_says_one_sentence_of_the_supervisor(name: str) -> None:
    """A supervisor that cannot be had is told in the same way, without what was tried underneath."""
    place = Place(name)
    try:
        text = said(lambda: Provider("folder").create(folder(place)))
    finally:
        place.close()
    assert len(text.splitlines()) == 1
    assert "ThingError: /tmp/cf" in text


def test_says_one_sentence_of_the_machine(place: Place) -> None:
    """What the machine refuses is told with the file it is about."""
    place.home.folder.parent.write_text("in the way")
    text = said(lambda: Provider("folder").create(folder(place)))
    assert len(text.splitlines()) == 1
    assert str(place.home.folder) in text


def test_a_mistake_of_ours_keeps_its_traceback(place: Place) -> None:
    """An error that nobody expected shows where it was, also after one that was told."""
    for spec in ({"digest": "sha256:0", "for": "api"}, {}):
        wanted = properties(place, "source", spec)
        text = said(lambda wanted=wanted: Provider("source").create(wanted))
    assert text.endswith("KeyError: 'digest'\n")
    assert "content.py" in text
