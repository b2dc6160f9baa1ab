"""Modules that are gone: found wherever they are imported, in sources of others too."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from infra.targets.local.machine import interpreter
from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates import gate
from smoke.gates.removed import REMOVED

FOUND = {
    "import imp": ["imp"],
    "import asyncore, asynchat": ["asyncore", "asynchat"],
    "from distutils.version import LooseVersion": ["distutils"],
    "def late():\n    import smtpd": ["smtpd"],
    "import importlib\nimportlib.import_module('imp')": ["imp"],
    "__import__('distutils.util')": ["distutils"],
    "try:\n    import imp\nfinally:\n    pass": ["imp"],
    "try:\n    import imp\nexcept KeyError:\n    pass": ["imp"],
    "try:\n    pass\nexcept ImportError:\n    import imp": ["imp"],
}
NONE = {
    "nothing": "",
    "a name like it": "import impala, my_imp\nfrom . import imp\nfrom .imp import a",
    "a text": "'import imp'  # import imp",
    "one that is still there": "import cgi, binhex2",
    "another function": "load('imp')",
}
TRIED = "try:\n    import imp\nexcept (KeyError, ImportError):\n    imp = None"


def looked(folder: Path, *sources: str, old: str = "3.9", new: str = "3.12"):  # noqa: ANN201 - an answer
    """What the gate says of these sources."""
    for number, source in enumerate(sources):
        (folder / f"m{number}.py").write_text(source, encoding="utf-8")
    return gate("removed")([old, new, str(folder)])


@pytest.mark.parametrize(("source", "modules"), FOUND.items(), ids=[*map(repr, FOUND)])
def test_an_import_of_what_is_gone_fails(tmp_path: Path, source: str, modules: list[str]) -> None:
    """Wherever in a source, and by whatever form whose name can be read; each with its line."""
    found = looked(tmp_path, source)
    assert (found.outcome, found.value) == (Outcome.FAIL, len(modules))
    assert [line.split(": ")[1].split()[0] for line in found.lines] == modules


@pytest.mark.parametrize("source", NONE.values(), ids=NONE)
def test_what_only_looks_like_it_passes(tmp_path: Path, source: str) -> None:
    """A text, a name of one's own, and a module that the new runtime still has are no finding."""
    found = looked(tmp_path, source)
    assert (found.outcome, found.n, found.lines) == (Outcome.PASS, 1, ())


def test_what_is_tried_and_caught_is_told(tmp_path: Path) -> None:
    """Whoever caught it knew: it is named, and is no failure."""
    found = looked(tmp_path, TRIED)
    assert (found.outcome, len(found.lines)) == (Outcome.PASS, 1)
    assert "1 that are tried and caught" in found.detail


def test_only_what_goes_between_the_two_counts(tmp_path: Path) -> None:
    """A module that went before, or goes later, is nobody's finding here."""
    assert looked(tmp_path, "import imp", old="3.9", new="3.11").outcome is Outcome.PASS
    assert looked(tmp_path, "import cgi", old="3.12", new="3.13").outcome is Outcome.FAIL
    assert looked(tmp_path, "import imp", old="3.12", new="3.13").outcome is Outcome.PASS


def test_sources_that_cannot_be_read_are_undecided(tmp_path: Path) -> None:
    """What nobody could look at is no pass, and is named; a finding beside it still fails."""
    assert looked(tmp_path, "a = 1", "print 'two'").outcome is Outcome.UNDECIDED
    assert looked(tmp_path, "a = 1", "print 'two'", "import imp").outcome is Outcome.FAIL


def test_nothing_to_look_at_is_not_measured(tmp_path: Path) -> None:
    """An empty folder is no pass; one that is not there is a usage error."""
    assert looked(tmp_path).outcome is Outcome.UNMEASURED
    with pytest.raises(UsageError, match="there is no folder"):
        gate("removed")(["3.9", "3.12", str(tmp_path / "gone")])
    with pytest.raises(UsageError, match="3 is no version"):
        gate("removed")(["3", "3.12", str(tmp_path)])


def test_the_table_is_of_releases() -> None:
    """Each module has the release that it went with."""
    assert set(REMOVED.values()) == {"3.10", "3.11", "3.12", "3.13"}


@pytest.mark.processes
@pytest.mark.parametrize("runtime", ["py39", "py310", "py311", "py312", "py313"])
def test_the_table_is_what_interpreters_have(runtime: str) -> None:
    """Each interpreter of this machine has the modules that its release still has, and none that is gone."""
    python = interpreter(runtime)
    if python is None:
        pytest.skip(f"there is no {runtime} here")
    wanted = sorted(set(REMOVED) - {"msilib", "ossaudiodev", "nis", "spwd", "crypt"})  # which not every system has
    program = "import importlib.util, json, sys; print(json.dumps([n for n in sys.argv[1:] if importlib.util.find_spec(n)]))"
    done = subprocess.run([python, "-I", "-W", "ignore", "-c", program, *wanted], capture_output=True, text=True, check=True)
    version = (3, int(runtime.removeprefix("py3")))
    assert json.loads(done.stdout) == [each for each in wanted if version < tuple(map(int, REMOVED[each].split(".")))]


def test_what_is_installed_for_an_interpreter_is_read(tmp_path: Path) -> None:
    """Given the program of an environment, its packages are looked through, without their own tests."""
    packages = tmp_path / "venv" / "lib" / "python3.12" / "site-packages"
    (packages / "pack" / "tests").mkdir(parents=True)
    (packages / "pack" / "tests" / "a.py").write_text("import imp", encoding="utf-8")
    (packages / "pack" / "b.py").write_text("import json", encoding="utf-8")
    (tmp_path / "venv" / "bin").mkdir()
    python = tmp_path / "venv" / "bin" / "python"
    python.symlink_to(sys.executable)
    well = gate("removed")(["3.9", "3.12", str(python)])
    (packages / "pack" / "c.py").write_text("import imp", encoding="utf-8")
    ill = gate("removed")(["3.9", "3.12", str(python)])
    assert ((well.outcome, well.n), (ill.outcome, ill.n)) == ((Outcome.PASS, 1), (Outcome.FAIL, 2))
