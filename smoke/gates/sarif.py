"""Findings in sources as SARIF 2.1.0 (OASIS), the form that editors and code hosts read. Pure."""

import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from smoke.foreign import printable
from smoke.gates.answer import Answer, Place


def document(name: str, answer: Answer) -> str:
    """All that a gate of that name found."""
    rules = [{"id": rule} for rule in sorted({each.rule for each in answer.places})]
    driver = {"name": f"crossfade gate {name}", "rules": rules}
    run = {"tool": {"driver": driver}, "results": [_result(each) for each in answer.places]}
    return json.dumps({"version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _result(place: Place) -> Mapping[str, Any]:
    path = PurePath(place.file)
    where = {"artifactLocation": {"uri": path.as_uri() if path.is_absolute() else path.as_posix()}}
    region = {"region": {"startLine": max(place.line, 1)}}
    return {
        "ruleId": place.rule,
        "level": place.level,
        "message": {"text": printable(place.says)},
        "locations": [{"physicalLocation": {**where, **region}}],
    }
