"""The watchdog of a stack, as one more program under its supervisor: it takes back what nobody drives any more. Pure."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from infra.contract.document import Json
from infra.targets.local.home import Home
from infra.targets.local.supervision import PATH

NAME = "_watchdog"
"""No service is called so."""
_BACKEND = "PULUMI_BACKEND_URL"


def watchdog_spec(home: Home, project: Path, stack: str, shell: Mapping[str, str] = os.environ) -> Mapping[str, Json]:
    """The spec of its program. Of the shell that declares there is only where the state is: the journal lies beside it."""
    words = ["-P", "-m", "smoke.watchdog", "--project", str(project), "--stack", stack]
    environment = {"PYTHONUNBUFFERED": "1", "CROSSFADE_HOME": str(home.folder), "PATH": PATH, **_state(project, shell)}
    described = {"argv": [sys.executable, *words], "environment": environment, "folder": str(project)}
    return {"name": NAME, "program": described, "python": sys.executable, "folders": []}


def _state(project: Path, shell: Mapping[str, str]) -> Mapping[str, str]:
    """The backend's address, spelled the same from wherever it is declared."""
    url = urlsplit(shell.get(_BACKEND, ""))
    if url.scheme != "file":
        return {}  # the journal needs a folder, and the address of anything else may hold a password
    return {_BACKEND: f"file://{(project / Path(f'{url.netloc}{url.path}').expanduser()).resolve()}"}
