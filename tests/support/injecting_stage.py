"""The stack that faults are injected into: the staging one, lighter, with a metric and a Pulumi that can be broken."""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from injecting import PLAN
from machine import free_port
from workshop import Workshop, pulumi_folder, staging, workshop

METRIC = """\
case $(cat mode) in
  frozen) echo '{"bad": 0, "all": 1000}' ;;
  hangs) exec sleep 600 ;;
  resets) echo "{\\"bad\\": 0, \\"all\\": $(($(date +%s) % 2))}" ;;
  *) echo "{\\"bad\\": 0, \\"all\\": $(($(date +%s) % 1000000 * 1000))}" ;;
esac
"""
"""A number of the user's own, as well or as broken as the file ``mode`` says."""


@contextmanager
def stage(prepare: Callable[[Workshop], None] = lambda _: None) -> Iterator[Workshop]:
    """Two weighted services and a singleton, up: blue on 3.9 is live. Skips the test where there is no Pulumi.

    Args:
        prepare: is given the project before its first ``up``.
    """
    if pulumi_folder() is None:
        pytest.skip("needs a Pulumi: make setup, then . ./activate")
    with workshop(**_settings(), plan=PLAN) as made:
        (made.folder / "mode").write_text("well")
        (made.folder / "metric.sh").write_text(METRIC)
        _own_pulumi(made)
        prepare(made)
        made.up()
        yield made


def _settings() -> Mapping[str, Any]:
    """The staging settings, with a second api in the place of the dashboard: it is lighter, and has weights as well."""
    settings = json.loads(json.dumps(staging()))
    services = settings["services"]
    del services["dashboard"], settings["plan"]
    metric = {"command": "sh metric.sh {slot}", "at_most": 0.1, "every": "1s", "timeout": "900ms"}
    services["quotes"] = {**services["api"], "port": free_port(), "after": ["api"], "gates": {"requests": 0}}
    services["api"]["metrics"] = {"fills": metric}
    return dict(settings)


def _own_pulumi(project: Workshop) -> None:
    """Have a Pulumi of its own on PATH, which a fault may replace."""
    bin_folder = project.folder / "bin"
    bin_folder.mkdir()
    project.environment["PATH"] = f"{bin_folder}{os.pathsep}{project.environment['PATH']}"
    mend_pulumi(project)


def mend_pulumi(project: Workshop) -> None:
    """Pulumi is the real one."""
    folder = pulumi_folder()
    assert folder is not None
    break_pulumi(project, f'exec {shutil.which("pulumi", path=str(folder))} "$@"')


def break_pulumi(project: Workshop, script: str) -> None:
    """Pulumi is another program."""
    draft = project.folder / "bin" / ".pulumi"
    draft.write_text(f"#!/bin/sh\n{script}\n")
    draft.chmod(0o755)
    draft.rename(project.folder / "bin" / "pulumi")
