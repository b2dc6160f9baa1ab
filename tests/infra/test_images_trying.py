"""What is told of a build that failed: the step and its last words, and nothing of the steps that went well."""

from pathlib import Path

import pytest

from infra.images import Build, BuildError, Recipe, attempt
from infra.images.trying import told

FAILED = """\
#1 [internal] load build definition from Dockerfile
#1 DONE 0.0s
#5 [build 2/6] RUN exit 7
#5 ERROR: process "/bin/sh -c exit 7" did not complete successfully: exit code: 7
------
 > [build 2/6] RUN exit 7:
0.201 about to fail
------
Dockerfile:2
--------------------
   1 |     FROM python:3.12-slim-bookworm
   2 | >>> RUN exit 7
--------------------
ERROR: failed to solve: process "/bin/sh -c exit 7" did not complete successfully: exit code: 7
"""
RECIPE = Recipe("py312", "sha256:a", "sha256:b", "sha256:c", "python:3.12-slim-bookworm")


def test_a_failed_step_is_told_with_its_line() -> None:
    """The step, what it said, where it stands in the Dockerfile and the builder's verdict; the steps before are left out."""
    lines = told(FAILED).splitlines()

    assert lines[0] == " > [build 2/6] RUN exit 7:"
    assert "0.201 about to fail" in lines
    assert "   2 | >>> RUN exit 7" in lines
    assert lines[-1].startswith("ERROR: failed to solve:")
    assert not any("load build definition" in line for line in lines)


def test_a_failure_without_a_step_is_its_last_lines() -> None:
    """Where nothing was built yet, as without an engine, everything that was said is told; silence is told as such."""
    assert told("ERROR: no builder found\n") == "ERROR: no builder found"
    assert told("") == "it says nothing"
    assert len(told("\n".join(map(str, range(1000)))).splitlines()) == 30


def test_a_step_that_failed_for_another_build_is_asked_for_its_words(tmp_path: Path) -> None:
    """Builds that share a step share its failure, but its words go to one of them: whoever got none builds once more."""
    for number, said in enumerate(("ERROR: failed to solve: executor failed running [/bin/sh -c exit 7]: exit code: 7", FAILED)):
        (tmp_path / f"said-{number}").write_text(said)
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\ncd {tmp_path}\nfor each in said-*; do /bin/cat $each; /bin/rm $each; exit 1; done\n")
    docker.chmod(0o755)

    with pytest.raises(BuildError, match="about to fail"):
        attempt(Build("staging", "/home/of/it", "api", RECIPE), tmp_path, "unix:///nowhere.sock", {"PATH": str(tmp_path)})
    assert not list(tmp_path.glob("said-*"))


def test_without_a_docker_command_it_says_so(tmp_path: Path) -> None:
    """A machine without the docker command is an error in a sentence, and no traceback."""
    with pytest.raises(BuildError, match="there is no docker to build with"):
        attempt(Build("staging", "/home/of/it", "api", RECIPE), tmp_path, "unix:///nowhere.sock", {"PATH": str(tmp_path)})
