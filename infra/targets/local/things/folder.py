"""The folder of the stack, and the supervisor in it: everything else is in there, or runs under it."""

import json
import shutil
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import ClassVar

from infra.contract.document import Json
from infra.targets.local.home import Home, make_folder, read_json, write_whole
from infra.targets.local.supervision import Supervisor
from infra.targets.local.things.thing import Spec, ThingError


class Folder:
    """Both, and the time the stack was born at."""

    KEPT: ClassVar[bool] = True

    def make(self, home: Home, spec: Spec) -> Mapping[str, Json]:
        """Have both, with every program that ran in there, and know when the stack was born."""
        make_folder(home.folder)
        for folder in (home.folder.parent, home.folder):  # whoever may write in the one above may put another in its place
            folder.chmod(0o700)
        born = _born(home)
        if born is None:
            born = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}-{uuid.uuid4().hex[:8]}"
            write_whole(home.birth, json.dumps({"born": born, "start": spec["start"]}))
        Supervisor(home).start()
        return {"born": born}

    def unmake(self, home: Home, spec: Spec) -> None:
        """End everything and leave nothing behind."""
        del spec
        Supervisor(home).stop()
        shutil.rmtree(home.folder, ignore_errors=True)
        if home.folder.exists():
            raise ThingError(f"{home.folder} cannot be removed as a whole: remove what is left of it by hand")
        with suppress(OSError):  # another stack lives beside it
            home.folder.parent.rmdir()

    def well(self, home: Home, spec: Spec) -> bool:
        """Whether the supervisor answers, in a folder that knows when it was born."""
        del spec
        return _born(home) is not None and Supervisor(home).answers()


def _born(home: Home) -> str | None:
    birth = read_json(home.birth)
    born = birth.get("born") if isinstance(birth, Mapping) else None
    return born if isinstance(born, str) else None
