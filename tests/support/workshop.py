"""A project of its own for a test: the real staging settings on free ports, the real Pulumi, the real command line."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

import psutil
import pytest
import yaml
from machine import free_port, wait_for

ROOT = Path(__file__).parents[2]
BIN = Path(sys.prefix) / "bin"
STACK = "staging"
LIMIT = 180.0
"""Seconds that one command of a test may take."""
until = partial(wait_for, limit=60.0, pause=0.02)

# Short enough to be watched by a person who waits, long enough that every gate sees what it needs.
PLAN: Mapping[str, Any] = {
    "steps": [20, 50, 100],
    "bake": "1s",
    "last": "2s",
    "requests": 30,
    "limit": "30s",
    "at_limit": "back",
    # What starts slowly on a machine that is busy is no fault of the candidate; tests of that say so themselves.
    "prove": "1m",
    "traffic": {"api": {"rate": 100, "path": "/prices"}, "dashboard": {"rate": 80, "path": "/"}},
    # What else runs on the machine must not be taken for the candidate's fault; tests of latency say so themselves. Margins are
    # wide, so that few requests show that the candidate keeps within them.
    "gates": {"latency_ratio": 3, "errors": 0.1, "error_margin": 0.1},
}


def pulumi_folder() -> Path | None:
    """Where a Pulumi is: on PATH, or where `make setup` put it."""
    found = shutil.which("pulumi", path=os.pathsep.join([os.environ["PATH"], str(ROOT / ".toolchain")]))
    return None if found is None else Path(found).parent


class Workshop:
    """A folder with a project in it, and the two programs that a person types."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder = folder
        self.settings: dict[str, Any] = json.loads(json.dumps(settings))
        self.environment = _environment(folder)
        self.save()

    @property
    def file(self) -> Path:
        """The settings file."""
        return self.folder / f"Pulumi.{STACK}.yaml"

    def save(self) -> None:
        """Write the settings as they are now."""
        config = {f"crossfade:{key}": value for key, value in self.settings.items()}
        salt = yaml.safe_load((ROOT / "Pulumi.staging.yaml").read_text(encoding="utf-8"))["encryptionsalt"]
        self.file.write_text(yaml.safe_dump({"config": config, "encryptionsalt": salt}, sort_keys=False), encoding="utf-8")

    def slot(self, name: str, *, runtime: str | None = None, **env: str) -> None:
        """Write what a slot shall have beside what is written for all."""
        place = self.settings["slots"].setdefault(name, {})
        place["runtime"] = runtime or place["runtime"]
        place["env"] = env
        self.save()

    # What a person types

    def pulumi(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Pulumi on the stack, as in a pipe."""
        return self._run(["pulumi", *words, "--stack", STACK, "--non-interactive", "--color", "never"], check=check)

    def up(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """``pulumi up``, without asking."""
        return self.pulumi("up", "--yes", "--skip-preview", "--suppress-outputs", *words, check=check)

    def crossfade(self, *words: str, expected: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run a command on the stack; its exit code is as expected, None for any."""
        done = self._run([str(BIN / "crossfade"), *words, "--stack", STACK], check=False)
        assert expected is None or done.returncode == expected, said(done)
        return done

    def begin(self, *words: str, told: int | IO[bytes] = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
        """Start a command on the stack, and leave it running; what it says goes to ``told``."""
        return subprocess.Popen(
            [str(BIN / "crossfade"), *words, "--stack", STACK],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=told,
        )

    @contextmanager
    def begun(self, *words: str) -> Iterator["subprocess.Popen[bytes]"]:
        """The same for as long as the context lasts; what it said is added to whatever fails there."""
        with (self.folder / "told").open("w+b") as told:
            process = self.begin(*words, told=told)
            try:
                yield process
            except (AssertionError, TimeoutError, subprocess.TimeoutExpired) as error:
                told.seek(0)
                error.add_note(f"{words} ended with {process.poll()}, and said:\n{told.read().decode()}")
                raise
            finally:
                process.kill()
                process.wait()

    @contextmanager
    def person(self, name: str) -> Iterator[None]:
        """Whatever is typed within the context is typed by this person."""
        before = self.environment
        self.environment = {**before, "USER": name}
        try:
            yield
        finally:
            self.environment = before

    def _run(self, words: list[str], *, check: bool) -> subprocess.CompletedProcess[str]:
        return ran(words, self.folder, self.environment, check=check)

    # What is seen

    def status(self) -> Mapping[str, Any]:
        """What ``crossfade status`` says."""
        return document(self.crossfade("status", "--json"))

    def report(self) -> Mapping[str, Any]:
        """What ``crossfade report`` says of the last rollout."""
        return document(self.crossfade("report", "--json"))

    def weights(self, service: str = "api") -> dict[str, int]:
        """Percent by slot."""
        return dict(self.status()["weights"][service])

    def records(self, ago: int = 0) -> list[Mapping[str, Any]]:
        """What the newest journal says, or the one so many before it; nothing where there is none."""
        newest = sorted(self.journal.glob("*.jsonl"), reverse=True)[ago : ago + 1]
        lines = [line for journal in newest for line in journal.read_text(encoding="utf-8").splitlines()]
        return [json.loads(line.partition(" ")[2]) for line in lines]

    def events(self, ago: int = 0) -> list[str]:
        """The names of its events, but for those that change nothing."""
        return [each["event"] for each in self.records(ago) if each["event"] not in {"looked", "drifted"}]

    def contract(self) -> Mapping[str, Any]:
        """The contract in the stack's output."""
        return dict(json.loads(self.pulumi("stack", "output", "--json").stdout)["crossfade"])

    def front(self, service: str, path: str = "/") -> str:
        """The address that users have."""
        return f"http://127.0.0.1:{self.settings['services'][service]['port']}{path}"

    def ask(self, service: str, path: str = "/") -> tuple[int, str | None, bytes]:
        """Status, version and body of one request through the front door."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.front(service, path), timeout=10) as answer:
            return answer.status, answer.headers["x-crossfade-version"], answer.read()

    @property
    def journal(self) -> Path:
        """The folder of the stack's journal."""
        return self.folder / ".state" / ".crossfade" / "crossfade" / STACK

    @property
    def home(self) -> Path:
        """The folder of the stack on this machine."""
        return self.folder / ".crossfade" / STACK

    def processes(self) -> list[psutil.Process]:
        """Everything that this stack started."""
        return [each for each in psutil.process_iter() if _is_of(each, self.home)]

    def close(self) -> None:
        """Take the stack down, whatever became of it, and the folder with it."""
        with suppress(subprocess.TimeoutExpired, OSError):
            self.pulumi("destroy", "--yes", "--skip-preview", check=False)
        for process in (left := self.processes()):
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=10)
        shutil.rmtree(self.folder, ignore_errors=True)


def ran(
    words: Sequence[str], folder: Path, environment: Mapping[str, str], *, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """How a program ended in a folder, as in a pipe; well where ``check``."""
    done = subprocess.run(
        words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert not check or done.returncode == 0, said(done)
    return done


@contextmanager
def workshop(
    kind: type[Workshop] = Workshop,
    settings: Mapping[str, Any] | None = None,
    **change: Any,  # noqa: ANN401 - any setting
) -> Iterator[Workshop]:
    """A project with these settings, staging's on free ports by default, and a short plan; ``change`` replaces settings."""
    # Short: the path of a socket has little room.
    folder = Path(tempfile.mkdtemp(prefix="cf-", dir="/tmp"))
    try:
        (folder / "infra").symlink_to(ROOT / "infra")
        (folder / "examples").symlink_to(ROOT / "examples")
        (folder / "Pulumi.yaml").write_text(_project(), encoding="utf-8")
        made = kind(folder, {**(settings or staging()), "plan": PLAN, **change})
        made.pulumi("stack", "init", check=True)
        try:
            yield made
        finally:
            made.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def small(project: Workshop) -> None:
    """The API and the agent alone: a dashboard that nobody looks at costs seconds at each start, and the machine's calm."""
    del project.settings["services"]["dashboard"]
    project.settings["plan"].get("traffic", {}).pop("dashboard", None)
    project.save()


@contextmanager
def brought_up(plan: Mapping[str, Any] = PLAN, prepare: Callable[[Workshop], None] = small) -> Iterator[Workshop]:
    """A project that is up: blue on 3.9 is live, green on 3.12 stands by. Skips the test where there is no Pulumi.

    What else its settings must say is written by ``prepare``, before they are declared; ``Workshop.save`` keeps the dashboard.
    """
    if pulumi_folder() is None:
        pytest.skip("needs a Pulumi: make setup, then . ./activate")
    with workshop(plan=plan) as made:
        prepare(made)
        made.up()
        yield made


def staging() -> Mapping[str, Any]:
    """The real staging settings, on ports that are free here."""
    return settings_of(STACK)


def settings_of(stack: str) -> Mapping[str, Any]:
    """The project's own settings of a stack, on ports that are free here; its gates and whom they tell are not what is tested."""
    text = (ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    for port in (8080, 8501, 9000):
        text = text.replace(str(port), str(free_port()))
    config = yaml.safe_load(text)["config"]
    found = {key.removeprefix("crossfade:"): value for key, value in config.items()}
    return {key: value for key, value in found.items() if key not in {"checks", "skips", "notify"}}


def _project() -> str:
    # The environment that the tests run in: a project of a user has its own, made by uv.
    return (
        "name: crossfade\n"
        f"runtime: {{name: python, options: {{toolchain: pip, virtualenv: {json.dumps(sys.prefix)}}}}}\n"
        "main: infra\n"
    )


def _environment(folder: Path) -> dict[str, str]:
    found = pulumi_folder()
    path = os.pathsep.join([str(BIN), *([str(found)] if found else []), os.environ["PATH"]])
    passed = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "CROSSFADE_"))}
    return {
        **passed,
        "PATH": path,
        "PULUMI_HOME": str(folder / ".pulumi"),
        "PULUMI_BACKEND_URL": f"file://{folder}/.state?create_dir=true",
        "PULUMI_CONFIG_PASSPHRASE_FILE": "/dev/null",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # To compile all of a dashboard takes many seconds for each stack, and nothing that is tested here.
        "UV_COMPILE_BYTECODE": "0",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }


def _is_of(process: psutil.Process, home: Path) -> bool:
    try:
        return process.environ().get("CROSSFADE_HOME") == str(home) or str(home / "supervisord.conf") in process.cmdline()
    except psutil.Error:
        return False


def document(done: subprocess.CompletedProcess[str]) -> Mapping[str, Any]:
    """The one document that a command printed."""
    found = json.loads(done.stdout)
    assert next(iter(found.items())) == ("format", 1)
    return dict(found)


def said(done: subprocess.CompletedProcess[str]) -> str:
    """What a command said, for the message of a failed test."""
    return f"{done.args} ended with {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
