"""What breaks in the data plane and in what stands beside it: the proxy, its files, meters, probes, the supervisor, a process."""

import json
import shutil
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import psutil
from injecting import LONG, Fault, Scene
from workshop import until

from infra.contract import weights_in

OUTAGE = 20.0
"""Seconds that the proxy does not answer."""
FAULTY = Path(__file__).with_name("faulty_service.py")
AWAY = 10.0
"""Seconds after which the watchdog counts as away."""


# The proxy


def admin_gone(seconds: float, scene: Scene) -> None:
    """The admin's socket is removed: no weight and no count can be read, and users are served all the same."""
    driver = scene.promote()
    admin = scene.project.home / "envoy.sock"
    hidden = admin.with_name("hidden.sock")
    scene.undo.callback(lambda: hidden.exists() and hidden.rename(admin))
    scene.strike()
    admin.rename(hidden)
    began = time.monotonic()
    until(lambda: scene.happened("failed"), "it goes back", limit=60)
    scene.note(f"blind, and going back after {time.monotonic() - began:.1f} s")
    until(lambda: time.monotonic() - began > seconds, "the outage is over")
    scene.expect(_routed(scene) == {"api": 0, "quotes": 0}, "the route files have all on live while nobody can be asked")
    hidden.rename(admin)
    scene.wait_home()
    scene.ends("promote", driver, 10)


def proxy_stopped(scene: Scene) -> None:
    """The proxy is stopped for 20 s: it serves nobody, and says nothing."""
    driver = scene.promote()
    proxy = scene.pid("envoy/envoy")
    scene.undo.callback(_continued, proxy)
    scene.strike()
    proxy.suspend()
    began = time.monotonic()
    until(lambda: time.monotonic() - began > OUTAGE, "the outage is over")
    proxy.resume()
    scene.wait_home()
    scene.ends("promote", driver, 10)


def proxy_killed(scene: Scene) -> None:
    """The proxy is killed: the supervisor starts it again, on the weights that were, and its counters begin anew."""
    driver = scene.promote()
    before, proxy = scene.weights(), scene.pid("envoy/envoy")
    scene.strike()
    proxy.kill()
    until(lambda: proxy.pid not in {each.pid for each in scene.project.processes()}, "it is dead")
    until(lambda: None not in scene.weights().values(), "it answers again", limit=30)
    scene.note(f"answers again after {_since(scene):.1f} s")
    served = scene.weights()
    scene.expect(served == before or scene.happened("shifted", 2), f"the weights are what they were: {before}, {served}")
    scene.ends("promote", driver, (0, 10))


def _routed(scene: Scene) -> Mapping[str, int]:
    """Percent of the candidate in the route files."""
    files = {name: scene.project.home / "routes" / f"{name}.json" for name in scene.routers}
    return {name: weights_in(json.loads(file.read_bytes()))[scene.candidate] for name, file in files.items()}


# Its files


def _unwatched(scene: Scene) -> Callable[[], None]:
    """Put a copy in the place of the folder that the proxy watches: what is written is never seen. Returns what mends it."""
    routes = scene.project.home / "routes"
    watched = routes.with_name("routes.watched")
    routes.rename(watched)
    shutil.copytree(watched, routes)

    def mend() -> None:
        if watched.exists():
            shutil.rmtree(routes)
            watched.rename(routes)

    scene.undo.callback(mend)
    return mend


def writes_ignored(scene: Scene) -> None:
    """The proxy no longer sees what is written: the next shift does not hold, and all goes back once it sees again."""
    driver = scene.promote()
    scene.strike()
    mend = _unwatched(scene)
    until(lambda: scene.happened("failed"), "the shift is given up", limit=90)
    scene.note(f"given up after {_since(scene):.0f} s")
    scene.expect(not scene.happened("shifted", 2), "a shift that does not hold is not believed")
    mend()
    scene.wait_home()
    scene.ends("promote", driver, 10)
    scene.expect("weights could not be set" in driver.said, f"it says that the weights could not be set: {driver.said[-500:]}")


def abort_ignored(scene: Scene) -> None:
    """The same, and somebody aborts: it is tried for 30 s, then a person is needed; once it is mended, abort ends it."""
    driver = scene.promote()
    mend = _unwatched(scene)
    scene.strike()
    abort = scene.types("abort", "--why", "seen enough")
    scene.ends("promote", driver, 11)
    scene.note(f"stuck after {_since(scene):.0f} s")
    scene.ends("abort", abort, 11)
    for said in (driver.said, abort.said):
        scene.expect("a person is needed now" in said, f"it says that a person is needed: {said[-800:]}")
        scene.expect("hint:  mend what it names, then: crossfade abort" in said, f"it says what to type: {said[-800:]}")
        scene.expect("is written, but the proxy serves" in said, f"it names what does not hold: {said[-800:]}")
    scene.expect("80 %" in driver.said.rpartition("state:")[2], f"it says what users see: {driver.said[-300:]}")
    mend()
    scene.ends("abort once mended", scene.types("abort"), 0)
    scene.wait_home()


def half_applied(scene: Scene) -> None:
    """One of two services takes the next step's weights, and the other does not: both go back."""
    driver = scene.promote()
    file = scene.project.home / "routes" / "quotes.json"
    kept = file.with_name("kept")

    def mend() -> None:
        if kept.exists():
            file.rmdir()
            kept.rename(file)

    scene.undo.callback(mend)
    scene.strike()
    kept.write_bytes(file.read_bytes())
    file.unlink()
    file.mkdir()
    until(lambda: (scene.weights()["api"] or {}).get(scene.candidate) == 50, "one took it", limit=60)
    split = scene.weights()
    until(lambda: scene.happened("failed"), "the shift is given up", limit=90)
    until(lambda: (scene.weights()["api"] or {}).get(scene.candidate) == 0, "the one that can has gone back", limit=20)
    scene.note(f"given up after {_since(scene):.0f} s; the one that can is back at once")
    scene.expect((split["quotes"] or {}).get(scene.candidate) == 20, f"the other kept its own: {split}")
    mend()
    scene.wait_home()
    scene.ends("promote", driver, 10)


def drift(scene: Scene) -> None:
    """Somebody else writes other weights in the middle of a step: they are set again, and the journal says so."""
    driver = scene.promote()
    wanted = {scene.live: 80, scene.candidate: 20}
    scene.routers["api"].write({scene.live: 40, scene.candidate: 60})
    scene.strike()
    until(lambda: scene.weights()["api"] == wanted, "they are set again", limit=20)
    scene.note(f"set again after {_since(scene):.2f} s")
    scene.ends("promote", driver, 0)
    drifted = [each for each in scene.events() if each["event"] == "drifted"]
    scene.expect([each["service"] for each in drifted] == ["api"], f"it drifted once, and the journal says so: {drifted}")


# Meters


def metric(mode: str, scene: Scene) -> None:
    """A number of the user's own freezes or hangs in the middle of a step: the rollout is blind, and all goes back."""
    file = scene.project.folder / "mode"
    scene.undo.callback(file.write_text, "well")
    driver = scene.promote()
    scene.strike()
    file.write_text(mode)
    scene.wait_home(limit=120)
    scene.ends("promote", driver, 10)
    passed = [each for each in scene.events() if each["event"] in {"passed", "finished"}]
    scene.expect(not passed, f"no step is passed: {passed}")


def metric_resets(scene: Scene) -> None:
    """One that begins anew at every other read: what it did not count is no fault, and holds up nothing."""
    file = scene.project.folder / "mode"
    scene.undo.callback(file.write_text, "well")
    file.write_text("resets")
    driver = scene.promote()
    scene.strike()
    scene.ends("promote", driver, 0)
    scene.note("a metric speaks against a candidate, and need not speak for it")


# Probes that lie


def lying(mode: str, scene: Scene) -> None:
    """In the candidate's place something answers that is not it: no user ever reaches it."""
    slot = scene.project.settings["slots"][scene.candidate]
    scene.undo.callback(slot.pop, "services", None)
    command = f"python {FAULTY} {mode} {scene.port('api', scene.live)}"
    slot["services"] = {"api": {"command": command}}
    scene.project.save()
    scene.deploy()
    scene.ends("promote", scene.types("promote", "--to", scene.candidate), 10)
    scene.expect(not scene.happened("shifted"), "no user was given to it")
    scene.expect(scene.home(), "all traffic is on the live slot")


# Processes


def supervisor_killed(scene: Scene) -> None:
    """The supervisor is killed: what it started lives on, the rollout goes on, and status says that no watchdog answers."""
    driver = scene.promote()
    supervisor = scene.pid("supervisord.conf")
    scene.strike()
    supervisor.kill()
    scene.ends("promote", driver, 0)
    until(lambda: _since(scene) > AWAY, "the watchdog's last beat is old", limit=20)
    scene.expect(scene.project.status()["watchdog"] is False, "status says that no watchdog answers")
    scene.note("status says that no watchdog answers")


def healing(scene: Scene) -> None:
    """The `up` after that: everything is under a supervisor again, on the same weights; it restarts what was orphaned."""
    driver = scene.promote()
    supervisor = scene.pid("supervisord.conf")
    supervisor.kill()
    scene.ends("promote", driver, 0)
    before = scene.weights()
    scene.strike()
    done = scene.project.up(check=False)
    scene.expect(done.returncode == 0, f"up heals: {done.stdout[-800:]}{done.stderr[-800:]}")
    scene.note(f"`pulumi up` took {_since(scene):.0f} s, and restarted everything")
    scene.expect(scene.weights() == before, "the weights are what they were")
    until(lambda: scene.project.status()["watchdog"], "a watchdog answers", limit=30)


def candidate_hangs(scene: Scene) -> None:
    """The candidate's process is stopped, as by a cut network, and stays so: it takes connections, and answers nobody."""
    driver = scene.promote()
    process = _listens(scene, scene.port("api", scene.candidate))
    scene.undo.callback(_continued, process)
    scene.strike()
    process.suspend()
    scene.wait_home()
    scene.ends("promote", driver, 10)


def _listens(scene: Scene, port: int) -> psutil.Process:
    """The process of the stack that listens there."""
    return next(
        each
        for each in scene.project.processes()
        if any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in each.net_connections("tcp"))
    )


def _continued(process: psutil.Process) -> None:
    if process.is_running():
        process.resume()


def _since(scene: Scene) -> float:
    assert scene.struck is not None
    return time.monotonic() - scene.struck


FAULTS: Mapping[str, Fault] = {
    "admin socket gone": Fault(partial(admin_gone, 10.0), LONG),
    "admin socket gone for 20 s": Fault(partial(admin_gone, OUTAGE), LONG),
    "proxy stopped for 20 s": Fault(proxy_stopped, LONG, lossless=False),
    "proxy killed": Fault(proxy_killed, lossless=False),
    "proxy ignores writes": Fault(writes_ignored),
    "proxy ignores writes, and an abort": Fault(abort_ignored, LONG),
    "half-applied": Fault(half_applied),
    "drift": Fault(drift),
    "metric frozen": Fault(partial(metric, "frozen"), LONG),
    "metric hangs": Fault(partial(metric, "hangs"), LONG),
    "metric begins anew all the time": Fault(metric_resets),
    "probe answered by the live slot": Fault(partial(lying, "mirror")),
    "probe never answered": Fault(partial(lying, "hang")),
    "probe redirected to itself": Fault(partial(lying, "loop")),
    "probe redirected to the live slot": Fault(partial(lying, "redirect")),
    "supervisor killed": Fault(supervisor_killed),
    "pulumi up after the supervisor was killed": Fault(healing, lossless=False),
    "candidate hangs": Fault(candidate_hangs, LONG, lossless=False),
}
