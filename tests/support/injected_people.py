"""What people and their tools do at the wrong moment: a second operator, Pulumi in the way or gone, a driver that is stopped."""

import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial

import psutil
from injecting import LONG, Fault, Scene
from injecting_stage import break_pulumi, mend_pulumi
from workshop import until

BUSY = 40.0
"""Seconds that somebody's `up` holds the stack: longer than a way back is tried otherwise."""
HEARD = 5.0
"""Seconds within which users must be safe once somebody typed abort, on a machine that does other things too."""


def second_operator(scene: Scene) -> None:
    """A second promote is refused and says who drives since when; a second terminal's abort is heard."""
    driver = scene.promote()
    second = scene.types("promote")
    scene.ends("second promote", second, 13)
    scene.expect(f"process {driver.process.pid}, since 20" in second.said, f"it says who, and since when: {second.said}")
    scene.strike()
    abort = scene.types("abort", "--why", "seen enough")
    scene.wait_home()
    scene.ends("abort", abort, 0)
    scene.ends("promote", driver, 8)


def up_at_once(scene: Scene) -> None:
    """`pulumi up` and promote are typed at the same moment: the rollout is unharmed."""
    up = scene.pulumi("up")
    driver = scene.promote()
    scene.strike()
    scene.ends("pulumi up", up, 0)
    scene.ends("promote", driver, 0)
    scene.expect(not scene.happened("drifted"), "no weight was moved by it")


def up_in_the_middle(scene: Scene) -> None:
    """`pulumi up` in the middle of a step moves no weight."""
    driver = scene.promote()
    scene.strike()
    scene.ends("pulumi up", scene.pulumi("up"), 0)
    scene.ends("promote", driver, 0)
    scene.expect(not scene.happened("drifted"), "no weight was moved by it")


def edited_at_once(scene: Scene) -> None:
    """The same with another release in the settings: who was proved is who is promoted, or nobody is."""
    slot = scene.project.settings["slots"][scene.candidate]
    slot["env"] = {"RELEASE": f"{slot['env']['RELEASE']}, edited"}
    scene.project.save()
    up = scene.pulumi("up")
    scene.strike()
    driver = scene.types("promote", "--to", scene.candidate)
    scene.exits["pulumi up"] = up.end()
    scene.exits["promote"] = driver.end()
    promoted = driver.process.returncode == 0
    shown = {scene.project.ask("api", "/prices")[1] for _ in range(10)}
    placed = {scene.contract.service("api").placements[scene.candidate if promoted else scene.live].version}
    scene.expect(shown == placed, f"users are served what is live by the contract: {shown}, {placed}")
    scene.expect(scene.exits["promote"] in {0, 1, 10}, f"promote ends with 0, 1 or 10: {driver.said[-1500:]}")
    scene.expect(scene.exits["pulumi up"] in {0, 255}, f"up is done or refused: {up.said[-1500:]}")


def pulumi_fails(scene: Scene) -> None:
    """Pulumi fails at once during an abort: users are safe all the same; then a person is needed, and abort ends it."""
    driver = scene.promote()
    scene.undo.callback(mend_pulumi, scene.project)
    break_pulumi(scene.project, "echo no network; exit 1")
    scene.strike()
    abort = scene.types("abort")
    scene.wait_home()
    scene.expect((scene.safe or 0) < HEARD, f"users are safe at once: {scene.safe}")
    scene.ends("promote", driver, 11)
    scene.ends("abort", abort, 11)
    scene.note(f"stuck after {time.monotonic() - (scene.struck or 0):.0f} s")
    scene.expect("then: crossfade abort" in abort.said, f"it says what to type: {abort.said[-800:]}")
    scene.expect("100 %" in abort.said.rpartition("state:")[2], f"it says that users are safe: {abort.said[-300:]}")
    scene.expect("no network" in driver.said, f"it says what Pulumi said: {driver.said[-1200:]}")
    mend_pulumi(scene.project)
    scene.ends("abort once mended", scene.types("abort"), 0)


def pulumi_hangs(scene: Scene) -> None:
    """Pulumi hangs during an abort: users are safe all the same; once it is ended the way back goes on."""
    driver = scene.promote()
    mark = f"{600 + os.getpid() % 97}"
    scene.undo.callback(mend_pulumi, scene.project)
    break_pulumi(scene.project, f"exec sleep {mark}")  # by which it is found
    scene.strike()
    abort = scene.types("abort")
    scene.wait_home()
    scene.expect((scene.safe or 0) < HEARD, f"users are safe at once: {scene.safe}")
    hung = until(lambda: _children(driver.process.pid, mark), "pulumi hangs", limit=30)
    mend_pulumi(scene.project)
    for each in hung:
        each.kill()
    scene.ends("promote", driver, 8)
    scene.ends("abort", abort, 0)


def _children(pid: int, word: str) -> list[psutil.Process]:
    with suppress(psutil.Error):  # those of earlier runs end meanwhile
        return [each for each in psutil.Process(pid).children(recursive=True) if word in each.cmdline()]
    return []


def pulumi_busy(seconds: float, scene: Scene) -> None:
    """Somebody's `up` holds the stack for longer than a way back is tried otherwise: it is waited for."""
    driver = scene.promote()
    up = scene.pulumi("up")
    locks = scene.project.folder / ".state" / ".pulumi" / "locks"
    until(lambda: any(locks.rglob("*.json")), "it has the lock", limit=30)
    up.send(signal.SIGSTOP)
    scene.strike()
    began = time.monotonic()
    abort = scene.types("abort")
    scene.wait_home()
    until(lambda: time.monotonic() - began > seconds, "it was busy for so long")
    scene.expect(scene.events()[-1]["event"] != "stuck", "nobody is called while somebody else is busy")
    up.send(signal.SIGCONT)
    scene.exits["pulumi up"] = up.end()
    scene.ends("promote", driver, 8)
    scene.ends("abort", abort, 0)


def driver_stopped(scene: Scene) -> None:
    """The driver is stopped: abort sets the weights, takes over once its lease is over, and the old one finds itself replaced."""
    driver = scene.promote()
    driver.send(signal.SIGSTOP)
    scene.strike()
    abort = scene.types("abort")
    scene.wait_home()
    scene.ends("abort", abort, 0)
    scene.note(f"taken over and back after {time.monotonic() - (scene.struck or 0):.0f} s")
    routes = {file.name: file.read_bytes() for file in (scene.project.home / "routes").glob("*.json")}
    driver.send(signal.SIGCONT)
    scene.ends("promote", driver, 13)
    scene.expect("another driver took over" in driver.said, f"it says so: {driver.said[-800:]}")
    after = {file.name: file.read_bytes() for file in (scene.project.home / "routes").glob("*.json")}
    scene.expect(routes == after, "it writes no weight any more")
    scene.expect(scene.home(), "users stay on the live slot")


FAULTS: Mapping[str, Fault] = {
    "second operator": Fault(second_operator, LONG),
    "pulumi up with the promote": Fault(up_at_once),
    "pulumi up in the middle": Fault(up_in_the_middle, {"bake": "6s"}),
    "another release by pulumi up with the promote": Fault(edited_at_once),
    "pulumi fails in an abort": Fault(pulumi_fails, LONG),
    "pulumi hangs in an abort": Fault(pulumi_hangs, LONG),
    "pulumi busy for 40 s in an abort": Fault(partial(pulumi_busy, BUSY), {"bake": "120s", "limit": "5m"}),
    "driver stopped": Fault(driver_stopped, LONG),
}
