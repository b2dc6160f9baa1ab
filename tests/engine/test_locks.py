"""What a dead or busy Pulumi leaves behind never strands a rollout: with a real engine that is killed in the middle."""

import json
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from workshop import STACK, Workshop, pulumi_folder, until, workshop

from smoke.errors import Locked
from smoke.routers import router
from smoke.stack import PulumiStack, find_project
from smoke.stack.locks import Lock, locks

pytestmark = [pytest.mark.engine, pytest.mark.processes]
UP = ("up", "--yes", "--skip-preview", "--suppress-outputs")


@pytest.fixture(scope="module")
def project() -> Iterator[Workshop]:
    """A project that the first test brings up."""
    if pulumi_folder() is None:
        pytest.skip("needs a Pulumi: make setup, then . ./activate")
    with workshop() as made:
        try:
            yield made
        finally:
            for each in _providers(made):  # of a test that failed
                os.kill(each, signal.SIGKILL)


@pytest.fixture
def stack(project: Workshop, monkeypatch: pytest.MonkeyPatch) -> PulumiStack:
    """Its stack, as a rollout has it."""
    for name, value in project.environment.items():
        monkeypatch.setenv(name, value)
    return PulumiStack(find_project(project.folder), STACK)


@contextmanager
def begun(project: Workshop) -> "Iterator[subprocess.Popen[bytes]]":
    """Somebody's `pulumi up`, which is over with the context, whatever became of the test: also one that was stopped."""
    process = subprocess.Popen(
        ["pulumi", *UP, "--stack", STACK, "--non-interactive"],
        cwd=project.folder,
        env=project.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait(60)


def latest(project: Workshop) -> dict[str, Any]:
    """The newest checkpoint."""
    return dict(json.loads(_state(project).read_text(encoding="utf-8"))["checkpoint"].get("latest") or {})


def pending(project: Workshop) -> list[tuple[str, str]]:
    """What is under way by the state, or was when its Pulumi died: kind, and what of."""
    operations = latest(project).get("pending_operations") or []
    return [(each["type"], each["resource"]["urn"].rpartition("::")[2]) for each in operations]


def held(project: Workshop) -> list[Lock]:
    """The locks on the stack."""
    return locks(project.folder / ".state" / ".pulumi" / "locks" / "organization" / "crossfade" / STACK)


def left(project: Workshop) -> list[object]:
    """What is left of a Pulumi: locks, pending operations, providers."""
    return [*held(project), *pending(project), *_providers(project)]


def _state(project: Workshop) -> Path:
    return project.folder / ".state" / ".pulumi" / "stacks" / "crossfade" / f"{STACK}.json"


def _providers(project: Workshop) -> list[int]:
    home = project.environment["PULUMI_HOME"]
    found = psutil.process_iter(["pid", "cmdline", "environ"])
    return [
        each.info["pid"]
        for each in found
        if "pulumi.dynamic" in (each.info["cmdline"] or ()) and (each.info["environ"] or {}).get("PULUMI_HOME") == home
    ]


def killed(project: Workshop, when: Callable[[Sequence[tuple[str, str]]], bool]) -> None:
    """Begin an up, and kill it with SIGKILL as soon as the state says that."""
    with begun(project) as process:
        until(lambda: when(pending(project)) or process.poll() is not None, "it is under way")
        process.kill()
    assert process.returncode == -signal.SIGKILL
    found = left(project)
    assert len(found) >= 3, found


def doubled(project: Workshop) -> list[object]:
    """Programs of the stack that run more than once."""
    names = Counter(json.dumps([each.cwd(), each.cmdline()]) for each in project.processes())
    return [name for name, count in names.items() if count > 1]


def test_a_first_up_that_was_killed(project: Workshop, stack: PulumiStack) -> None:
    """Killed while it creates, it leaves a lock, pending creations and a provider; the next deployment makes it whole."""
    killed(project, lambda now: any(kind == "creating" and what.startswith("environment") for kind, what in now))
    stack.deploy()

    assert left(project) == []
    assert doubled(project) == []
    assert project.ask("api", "/prices")[0] == 200


def test_things_that_are_there_may_be_created_once_more(project: Workshop, stack: PulumiStack) -> None:
    """With everything that is there pending, nothing is doubled or begun anew, and the weights stay."""
    settings = stack.release().service("api").router
    assert settings is not None
    api = router(settings)
    api.write({"blue": 70, "green": 30})
    before = {each.pid for each in project.processes()}
    forget(project)
    forgotten = {kind for kind, _ in pending(project)}
    stack.deploy()
    weights = api.read()
    api.write({"blue": 100, "green": 0})

    assert forgotten == {"creating"}
    assert left(project) == []
    assert {each.pid for each in project.processes()} == before
    assert weights == {"blue": 70, "green": 30}


def forget(project: Workshop) -> None:
    """Make the state say that Pulumi died while it made all of the things at once."""
    whole = json.loads(_state(project).read_text(encoding="utf-8"))
    found = whole["checkpoint"]["latest"]
    things = [each for each in found["resources"] if each["type"].endswith("crossfade:Thing")]
    found["resources"] = [each for each in found["resources"] if each not in things]
    found["pending_operations"] = [{"resource": each, "type": "creating"} for each in things]
    _state(project).write_text(json.dumps(whole), encoding="utf-8")


def test_a_revert_after_an_up_that_was_killed(project: Workshop, stack: PulumiStack) -> None:
    """Killed while it updates a slot, the slot is put back to what it held, without a hand."""
    before = stack.release()
    project.slot("green", runtime="py312", FAULT_ERRORS="0.2")
    killed(project, lambda now: any(kind == "updating" and what.endswith("on green") for kind, what in now))
    stack.revert("green", before.placed()["green"])

    assert left(project) == []
    assert doubled(project) == []
    assert stack.release().releases == before.releases


def test_a_pulumi_that_was_killed_while_it_saved(project: Workshop, stack: PulumiStack) -> None:
    """Killed in that moment it leaves an empty file beside its state, which keeps every Pulumi out; ours mend it."""
    beside = _state(project).with_name(f"{STACK}.json.attrs")
    assert json.loads(beside.read_bytes())
    beside.write_bytes(b"")
    assert "EOF" in project.pulumi("stack", "history", check=False).stderr + project.pulumi("cancel", "--yes", check=False).stderr
    stack.deploy()

    assert left(project) == []
    assert json.loads(beside.read_bytes())


def test_a_living_pulumi_is_waited_for(project: Workshop, stack: PulumiStack) -> None:
    """While somebody's up holds the lock, a deployment says whose it is and touches nothing; afterwards it goes."""
    with begun(project) as process:
        until(lambda: any(held(project)), "it has the lock")
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(Locked) as raised:
            stack.deploy()
        found = held(project)
        process.send_signal(signal.SIGCONT)
        assert process.wait(60) == 0
    stack.deploy()

    assert f"process {process.pid}" in str(raised.value.cause)
    assert len(found) == 1
    assert left(project) == []
