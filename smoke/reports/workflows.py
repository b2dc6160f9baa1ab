"""Workflows of GitHub Actions, from the settings of a stack: tests on both runtimes, deployment, reviews. Pure."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from smoke.plan import Plan
from smoke.reports.workflow_deploy import deployment
from smoke.reports.workflow_parts import (
    ON_THE_HOST,
    Step,
    asking,
    began,
    checkout,
    fresh,
    ground,
    lines,
    pythons,
    stand,
    text_of,
    uv,
)

TESTS, DEPLOY, MONTHLY = "crossfade-tests.yml", "crossfade-deploy.yml", "crossfade-monthly.yml"
REVIEWED = ("delta", "wheels", "audit")
"""Gates that review the dependencies, by their kind."""
_SETUP = 30
"""Minutes that a fresh machine may take until the first gate is asked."""
_DAY = 24 * 60
"""Minutes."""
_WEEKLY, _MONTHLY = "17 5 * * 1", "23 5 1 * *"
_EACH_MONTH = f"${{{{ github.event.schedule != '{_WEEKLY}' }}}}"
"""Also when somebody starts it by hand."""


@dataclass(frozen=True, slots=True)
class Program:
    """What has tests: a source with a lock, and the services that are made of them."""

    services: Sequence[str]
    source: str
    lock: str
    """With ``{runtime}`` in it; empty: there is none."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A gate of the settings."""

    name: str
    phase: str
    kind: str
    """The gate that ships, as ``audit``; empty: a command of the user's own."""
    limit: float
    """Seconds that it may take."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the settings want of continuous integration."""

    stack: str
    stacks: Sequence[str]
    """Every stack that may be deployed."""
    target: str
    runtimes: Sequence[str]
    """Of the slots, as ``py312``, the oldest first, each once."""
    programs: Sequence[Program]
    gates: Sequence[Asked]
    plan: Plan
    tests: str
    """The command line of the tests."""

    @property
    def versions(self) -> Sequence[str]:
        """The runtimes, as ``3.12``."""
        return [version_of(each) for each in self.runtimes]

    def of(self, *kinds: str) -> Sequence[Asked]:
        """The gates of these kinds."""
        return [each for each in self.gates if each.kind in kinds]

    @property
    def missing(self) -> Sequence[str]:
        """Kinds of gates that no gate of the settings is of, so that no workflow can ask them."""
        return [kind for kind in REVIEWED if not self.of(kind)]


def version_of(runtime: str) -> str:
    """``3.12``, of ``py312``."""
    return f"{runtime[2]}.{runtime[3:]}"


def workflows(wish: Wish) -> Mapping[str, str]:
    """Every file, by its name."""
    by = (f"By `crossfade workflows`, from the settings of the stack {wish.stack}: put nothing of your own here.",)
    asks = [
        f"No gate of the settings asks {kind}, and nothing here does: `crossfade gate {kind}` would." for kind in wish.missing
    ]
    return {
        TESTS: text_of(_tests(wish), by),
        DEPLOY: text_of(deployment(wish.stack, wish.stacks, _longest(wish)), by),
        MONTHLY: text_of(_monthly(wish), (*by, *asks)),
    }


def _longest(wish: Wish) -> int:
    """Minutes that a deployment may take: every gate and step to its limit, and as long as a person may be waited for.

    Another stack may have longer steps, and a rollout ends by its plan: this is for a runner that hangs.
    """
    rollout = wish.plan.prove + wish.plan.hold + sum(each.limit for each in wish.plan.steps)
    return max(_DAY, 2 * _SETUP + ceil((rollout + sum(each.limit for each in wish.gates)) / 60))


def _limit(gates: Sequence[Asked]) -> int:
    return _SETUP + ceil(sum(each.limit for each in gates) / 60)


def _tests(wish: Wish) -> Mapping[str, Any]:
    asked = [each for each in wish.gates if each.phase in {"prepare", "test"}]
    return {
        "name": "crossfade tests",
        "on": {"push": None, "pull_request": None},
        "permissions": {"contents": "read"},
        "concurrency": {"group": "crossfade-tests-${{ github.event_name }}-${{ github.ref }}", "cancel-in-progress": True},
        "jobs": {"tests": _tested(wish), **({"gates": _gates(wish, asked)} if asked else {})},
    }


def _tested(wish: Wish) -> Mapping[str, Any]:
    """The user's tests, once for each program and runtime, in an environment of its own lock."""
    environment = {"PYTHON": "${{ matrix.python }}", "LOCK": "${{ matrix.lock }}"}
    made = lines(
        'uv venv --python "$PYTHON" "$RUNNER_TEMP/env"',
        'test -z "$LOCK" || uv pip install --python "$RUNNER_TEMP/env" --require-hashes --requirement "$LOCK"',
        'uv pip install --python "$RUNNER_TEMP/env" pytest',
    )
    first = 'export VIRTUAL_ENV="$RUNNER_TEMP/env" PATH="$RUNNER_TEMP/env/bin:$PATH"'
    return {
        "name": "${{ matrix.services }} on ${{ matrix.python }}",
        "runs-on": ON_THE_HOST,
        "timeout-minutes": _SETUP,
        "strategy": {"fail-fast": False, "matrix": {"include": _matrix(wish)}},
        "env": environment,
        "steps": [
            checkout(),
            pythons(["${{ matrix.python }}"]),
            uv(),
            {"name": "An environment from the lock", "run": made},
            {"name": "The tests", "working-directory": "${{ matrix.source }}", "run": lines(first, wish.tests)},
        ],
    }


def _matrix(wish: Wish) -> Sequence[Mapping[str, str]]:
    return [
        {
            "services": ", ".join(each.services),
            "python": version_of(runtime),
            "source": each.source,
            "lock": each.lock.replace("{runtime}", runtime),
        }
        for each in wish.programs
        for runtime in wish.runtimes
    ]


def _gates(wish: Wish, asked: Sequence[Asked]) -> Mapping[str, Any]:
    phases = [phase for phase in ("prepare", "test") if any(each.phase == phase for each in asked)]
    steps = [asking(f"Gates of {phase}", f'crossfade check --stack "$STACK" --phase {phase}') for phase in phases]
    # What a stranger's pull request has in it never runs on a machine of your own.
    mine = {} if wish.target == "local" else {"if": "${{ github.event_name == 'push' }}"}
    return {**mine, **_asking(wish, "gates", asked, steps)}


def _asking(wish: Wish, name: str, gates: Sequence[Asked], steps: Sequence[Step]) -> Mapping[str, Any]:
    """A job that asks gates of a stack."""
    return {
        "name": name,
        "timeout-minutes": _limit(gates),
        **ground(wish.stack, wish.target),
        "steps": [*began(wish.target, wish.versions), *steps, *stand(f"crossfade-{name}")],
    }


def _monthly(wish: Wish) -> Mapping[str, Any]:
    jobs = {name: _asking(wish, name, gates, [_named(gates)]) for name, gates in _reviews(wish).items() if gates}
    return {
        "name": "crossfade monthly",
        "on": {"schedule": [{"cron": _WEEKLY}, {"cron": _MONTHLY}], "workflow_dispatch": None},
        "permissions": {"contents": "read"},
        "concurrency": {"group": "crossfade-monthly", "cancel-in-progress": False},
        "jobs": {
            name: job if name == "audit" else {"if": _EACH_MONTH, **job}
            for name, job in {**jobs, "what-is-next": _next(wish)}.items()
        },
    }


def _reviews(wish: Wish) -> Mapping[str, Sequence[Asked]]:
    return {"audit": wish.of("audit"), "dependencies": wish.of(*REVIEWED), "next-python": wish.of("runtimes")}


def _named(gates: Sequence[Asked]) -> Step:
    return asking("Gates", f'crossfade check --stack "$STACK" {shlex.join(each.name for each in gates)}')


def _next(wish: Wish) -> Mapping[str, Any]:
    """What the Python after the newest of the slots would break, before anybody has to move there."""
    newest = wish.versions[-1]
    following = f"3.{int(newest.partition('.')[2]) + 1}"
    sources = shlex.join(dict.fromkeys(each.source for each in wish.programs))
    locks = dict.fromkeys(each.lock.replace("{runtime}", wish.runtimes[-1]) for each in wish.programs if each.lock)
    steps = [
        asking(f"Modules that {following} does not have", f"crossfade gate removed {newest} {following} {sources}"),
        *(asking(f"Wheels for {following}: {lock}", f"crossfade gate wheels {following} {shlex.quote(lock)}") for lock in locks),
    ]
    return {
        "name": f"what Python {following} would break",
        "runs-on": ON_THE_HOST,
        "timeout-minutes": 2 * _SETUP,
        "steps": [*fresh([newest]), *steps],
    }
