"""What holds for the fence in the process that stands behind it."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the fence needs nothing but the standard library

from trading.fence import Fence


class Paused(Fence):
    """A process that is paused between its look at the grant and its lock, while the work is taken away."""

    def _take(self) -> bool:
        (self._folder / "fence.json").write_text(json.dumps({"holder": None, "token": 1}), encoding="utf-8")
        return super()._take()


def test_work_that_was_taken_away_meanwhile_is_not_begun(tmp_path: Path) -> None:
    """A grant that is gone once the lock is taken gives no permit, and the lock is free again."""
    (tmp_path / "fence.json").write_text(json.dumps({"holder": "blue", "token": 1}), encoding="utf-8")

    assert Paused(tmp_path, "blue").settle() is None

    (tmp_path / "fence.json").write_text(json.dumps({"holder": "green", "token": 2}), encoding="utf-8")
    permit = Fence(tmp_path, "green").settle()
    assert permit is not None
    assert permit.token == 2
