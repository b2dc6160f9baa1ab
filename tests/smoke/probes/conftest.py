"""The trading system's harness, whose environments and processes the tests of real dashboards use."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "examples" / "trading" / "tests"))
