"""What an image's Python is asked of itself: the script is run here as a container runs it, by this Python and by 3.9."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.targets.local.machine import interpreter
from smoke.imagecheck import checking

pytestmark = pytest.mark.processes

SCRIPT = Path(checking.__file__).with_name("inside.py").read_text(encoding="utf-8")
PYTHONS = [sys.executable, *filter(None, [str(interpreter("py39") or "")])]


def run(folder: Path, python: str = sys.executable, script: str = SCRIPT) -> Any:  # noqa: ANN401 - a JSON document
    """What the script says in a folder, with what is installed in its folder ``site``."""
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(folder / "site"), "PYTHONDONTWRITEBYTECODE": "1"}
    # Without site: what this Python has installed is not what is asked about.
    words = [python, "-S", "-c", script.replace("[sys.executable, ", "[sys.executable, '-S', ")]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def modules(said: Any) -> dict[str, Any]:  # noqa: ANN401 - a JSON document
    """What became of each module, by its name."""
    return {each["name"]: each for each in said["modules"]}


def install(folder: Path, name: str, **files: str) -> None:
    """A distribution with these files, ``__`` standing for a folder's end."""
    site, written = folder / "site", []
    for key, text in files.items():
        file = site / (key.replace("__", "/").replace("/init/", "/__init__") + ".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        written.append(str(file.relative_to(site)))
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "RECORD").write_text("".join(f"{each},,\n" for each in [*written, f"{info.name}/METADATA"]), encoding="utf-8")


@pytest.mark.parametrize("python", PYTHONS)
def test_what_a_python_says(tmp_path: Path, python: str) -> None:
    """Its version, its user, its TLS library, and that every module was imported: its own, and those of distributions."""
    (tmp_path / "api.py").write_text("import tiny\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "__init__.py").touch()
    install(tmp_path, "tiny", tiny="", _tiny="")

    said = run(tmp_path, python)

    expected = subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout.split()[1]
    assert said["python"] == expected
    assert said["uid"] == Path(tmp_path).stat().st_uid
    assert said["openssl"].startswith(("OpenSSL", "LibreSSL"))
    assert {name: (each["of"], each["error"]) for name, each in modules(said).items()} == {
        "api": (None, None),
        "deep": (None, None),
        "tiny": ("tiny", None),
        "_tiny": ("tiny", None),
    }


def test_a_namespace_is_no_module(tmp_path: Path) -> None:
    """A folder that several distributions share is not asked for, but the package in it is."""
    install(tmp_path, "one", shared__one__init__="", shared__one__more="")

    assert list(modules(run(tmp_path))) == ["shared.one"]


@pytest.mark.parametrize("python", PYTHONS)
def test_every_way_to_fail(tmp_path: Path, python: str) -> None:
    """A module that raises, lacks another, leaves or crashes is told of with what happened, and the others are imported."""
    bodies = {
        "raises": "raise ValueError('so')",
        "lacks": "import nowhere.at_all",
        "refuses": "raise ImportError('needs git')",
        "hides": "try: import nowhere\nexcept ImportError as e: raise ImportError('install it') from e",
        "differs": "from json import nothing",
        "leaves": "import sys; sys.exit(3)",
        "crashes": "import os; os.abort()",
        "vanishes": "import os; os._exit(0)",
        "talks": "print('[]'); import sys; sys.stdout.flush()",
        "well": "",
    }
    for name, body in bodies.items():
        (tmp_path / f"{name}.py").write_text(body)

    found = modules(run(tmp_path, python))

    assert found["raises"]["error"] == "ValueError: so"
    assert (found["lacks"]["error"], found["lacks"]["missing"]) == ("ModuleNotFoundError: No module named 'nowhere'", "nowhere")
    assert [found[name]["missing"] for name in ("refuses", "hides", "differs", "raises")] == ["", "nowhere", None, None]
    assert found["leaves"]["error"] == "SystemExit: 3"
    assert found["crashes"]["error"] == "it ended the process with -6"
    assert found["vanishes"]["error"] == "it ended the process with 0"
    assert [found["talks"]["error"], found["well"]["error"]] == [None, None]


def test_a_module_that_hangs(tmp_path: Path) -> None:
    """A module that does not come to an end is given up, and is told of as slow."""
    (tmp_path / "a_page.py").write_text("import time\nwhile True: time.sleep(1)\n")
    (tmp_path / "well.py").touch()

    found = modules(run(tmp_path, script=SCRIPT.replace("EACH = 30", "EACH = 1")))

    assert (found["a_page"]["slow"], found["a_page"]["error"]) == (True, "it takes too long")
    assert (found["well"]["slow"], found["well"]["error"]) == (False, None)


def test_all_together_take_too_long(tmp_path: Path) -> None:
    """Once all have had their time, the rest is told of as not tried."""
    (tmp_path / "a_page.py").write_text("import time\nwhile True: time.sleep(1)\n")
    (tmp_path / "well.py").touch()

    found = modules(run(tmp_path, script=SCRIPT.replace("ALL = 240.0", "ALL = 1.0")))

    assert {name: each["slow"] for name, each in found.items()} == {"a_page": True, "well": True}
    assert found["well"]["error"] == "there was no time left to import it"


def test_modules_that_cannot_be_imported_beside_each_other(tmp_path: Path) -> None:
    """A module that fails beside another, and works by itself, works."""
    (tmp_path / "one.py").write_text("import sys; sys.taken = True\n")
    (tmp_path / "two.py").write_text("import sys; assert not hasattr(sys, 'taken')\n")

    assert {name: each["error"] for name, each in modules(run(tmp_path)).items()} == {"one": None, "two": None}
