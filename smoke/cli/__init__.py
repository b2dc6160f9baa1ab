"""The command line: arguments in, exit code out. One file a command, loaded only when it is run.

What must not be here: decisions, and anything about a backend.
"""

from smoke.cli.main import main

__all__ = ["main"]
