"""What of a stack is in its backup: what is remembered of it, and nothing that is only beside that."""

import os
from pathlib import Path

import pytest

from infra.contract import Contract
from smoke.backup import parts_of
from smoke.stack.project import Project

pytestmark = pytest.mark.processes
PULUMI = '#!/bin/sh\nwhile [ "$1" != --file ]; do shift; done\necho "{}" > "$2"\n'
KEPT = ("evidence/chain.jsonl", "0001-a.jsonl", "lease", ".ballast", "environments/py39/a.py", "data/api/orders.sqlite3")
"""What may lie in the folder of a stack; the last two do where its journal is elsewhere."""


@pytest.mark.parametrize(("elsewhere", "names"), [(False, {"0001-a.jsonl", *KEPT[:1], *KEPT[4:]}), (True, {KEPT[0]})])
def test_what_lies_beside_a_journal_that_is_elsewhere_is_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: set[str], *, elsewhere: bool
) -> None:
    """Of a folder that is the journal's all is kept but who is at work; of one that is the stack's own the evidence alone."""
    (tmp_path / "pulumi").write_text(PULUMI, encoding="utf-8")
    (tmp_path / "pulumi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    for name in KEPT:
        file = tmp_path / "folder" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("it", encoding="utf-8")
    contract = Contract("staging", "local", "blue", "once", (), {}, {}, {})
    project = Project("shop", tmp_path, None if elsewhere else tmp_path / "state")
    found = parts_of(project, contract, tmp_path / "folder")
    assert {name.removeprefix("journal/") for name in found if name.startswith("journal/")} == names
