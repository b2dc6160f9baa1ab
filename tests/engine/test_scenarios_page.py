"""The page of scenarios says what the tests are."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "scenarios.md"


def _is_there(path: str, name: str) -> bool:
    folders = (TESTS / "smoke", TESTS) if "/" in path else (TESTS / "engine",)
    return any(f"def {name}(" in (each / path).read_text(encoding="utf-8") for each in folders if (each / path).is_file())


def test_every_test_that_the_page_names_is_there() -> None:
    """Each test that stands for a scenario exists, and each of the scenarios' own tests stands for one."""
    named = set(re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE.read_text(encoding="utf-8")))
    files = [*(TESTS / "engine").glob("test_scenarios_*.py"), TESTS / "engine" / "test_three_services.py"]
    own = {
        (file.name, name)
        for file in files
        if file != Path(__file__)
        for name in re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert {each for each in named if not _is_there(*each)} == set()
    assert own - named == set()
