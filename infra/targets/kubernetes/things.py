"""What an image is built from, as Pulumi's own resources cannot have it: folders of this machine, and a first try."""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from typing import ClassVar

from infra.contract.document import Json
from infra.targets.docker.things import Context, Trial
from infra.targets.local.home import Home, make_folder
from infra.targets.local.provider import Provider
from infra.targets.local.things import Spec, Thing


class Bench:
    """The folder on this machine that images are built in. Nothing in the cluster needs it."""

    KEPT: ClassVar[bool] = True

    def make(self, home: Home, spec: Spec) -> Mapping[str, Json]:
        """Have it."""
        del spec
        make_folder(home.folder)
        return {}

    def unmake(self, home: Home, spec: Spec) -> None:
        """Remove it; may be another machine by now, which has none."""
        del spec
        shutil.rmtree(home.folder, ignore_errors=True)
        with suppress(OSError):  # another stack has one beside it, or there was none
            home.folder.parent.rmdir()

    def well(self, home: Home, spec: Spec) -> bool:
        """It is made again where it is missing, with the next folder in it: that is enough."""
        del home, spec
        return True


class BuildProvider(Provider):
    """The one dynamic provider, with the things of builds."""

    THINGS: ClassVar[Mapping[str, Thing]] = {"bench": Bench(), "context": Context(), "trial": Trial()}
