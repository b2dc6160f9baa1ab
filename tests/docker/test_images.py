"""Images, in a real engine: what the default Dockerfile makes, what is said of it before it gets traffic, what is pruned."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from docker_host import DockerHost
from imaged import RUDE, STUBBORN, WEB, Workshop
from machine import wait_for

from smoke.docker import Docker
from smoke.errors import DeployError, Exit, UsageError
from smoke.imagecheck import Finding, ImageReport, Verdict, checked
from smoke.pruning import RECIPE, outdated, remove
from tests.smoke.cli.shop import open_shop

RUNTIMES = ("py39", "py312")
LOOK = """
import json, os, shutil, sys
import six
print(json.dumps({
    "python": sys.version_info[:2], "uid": os.getuid(), "folder": os.getcwd(), "files": sorted(os.listdir(".")),
    "uv": shutil.which("uv") or os.path.exists("/opt/uv"), "prefix": sys.prefix,
    "cache": any(map(os.path.exists, (os.path.expanduser("~root/.cache"), "/var/cache/uv", "/var/cache/pip"))),
    "writable": os.access("/app", os.W_OK), "unbuffered": os.environ["PYTHONUNBUFFERED"],
}))
"""


@pytest.fixture(scope="module")
def shop(docker_host: DockerHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A folder of services, and the engine."""
    shop = Workshop(docker_host, tmp_path_factory.mktemp("shop"))
    yield shop
    shop.close()


@pytest.fixture(scope="module")
def images(shop: Workshop) -> dict[str, str]:
    """The image of a service that is well, by runtime."""
    origin = shop.service({"web.py": WEB})
    return {runtime: shop.build(origin, runtime) for runtime in RUNTIMES}


@pytest.fixture
def placed(shop: Workshop, images: dict[str, str]) -> Iterator[Workshop]:
    """A stack whose slots run the service, blue on 3.9 and green on 3.12."""
    for slot, runtime in zip(("blue", "green"), RUNTIMES, strict=True):
        shop.run(images[runtime], slot, "python", "-m", "web")
    yield shop
    shop.close()


def by_check(report: ImageReport) -> dict[str, Finding]:
    """The findings of the one service, by their check."""
    return {each.id.removeprefix("api/"): each for each in report.findings}


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_what_is_in_an_image(shop: Workshop, images: dict[str, str], runtime: str) -> None:
    """It has the runtime, what is locked and the source, which its user cannot change; no uv, no cache, nothing of ours."""
    said = json.loads(shop.host.docker("run", "--rm", "--network", "none", images[runtime], "python", "-c", LOOK).stdout)

    assert said == {
        "python": [3, int(runtime[3:])],
        "uid": 10001,
        "folder": "/app",
        "files": ["web.py"],
        "uv": False,
        "cache": False,
        "prefix": "/opt/venv",
        "writable": False,
        "unbuffered": "1",
    }


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_what_an_image_says(shop: Workshop, images: dict[str, str], runtime: str) -> None:
    """Who starts it, how it is stopped, how its health is seen, and whose it is."""
    [said] = json.loads(shop.host.docker("image", "inspect", images[runtime]).stdout)
    config = said["Config"]

    assert (config["User"], config["StopSignal"], config["Cmd"]) == ("10001:10001", "SIGTERM", ["python"])
    assert not config["Entrypoint"]
    assert config["Healthcheck"]["Test"] == ["CMD", "/opt/venv/bin/python", "-I", "-S", "/opt/crossfade/healthcheck.py"]
    assert config["Labels"]["crossfade.stack"] == shop.stack
    assert set(RECIPE) <= {name.removeprefix("crossfade.") for name in config["Labels"]}
    assert f"{images[runtime].partition(':')[0]}:{runtime}" in said["RepoTags"]


def test_the_same_again_is_the_same(shop: Workshop, images: dict[str, str]) -> None:
    """Building the same content once more makes no other image."""
    origin = shop.service({"web.py": WEB})
    before = shop.host.docker("image", "inspect", "--format", "{{.Id}}", images["py312"]).stdout

    again = shop.build(origin, "py312")

    assert again == images["py312"]
    assert shop.host.docker("image", "inspect", "--format", "{{.Id}}", again).stdout == before


def test_a_password_is_in_no_layer(shop: Workshop, tmp_path: Path) -> None:
    """An index with a password in its address is used, and the password is nowhere in the image, nor in its history."""
    word = "tulip-0451"
    image = shop.build(
        shop.service({"web.py": WEB, "other.py": ""}), "py312", {"PIP_INDEX_URL": f"https://me:{word}@pypi.org/simple"}
    )

    shop.host.docker("save", "--output", str(tmp_path / "image.tar"), image)

    (tmp_path / "layers").mkdir()
    subprocess.run(["tar", "xf", tmp_path / "image.tar", "-C", tmp_path / "layers"], check=True)
    found = subprocess.run(["grep", "-rlaF", word, tmp_path / "layers"], capture_output=True, text=True, check=False).stdout
    control = subprocess.run(["grep", "-rlaF", "do_GET", tmp_path / "layers"], capture_output=True, text=True, check=False).stdout
    assert found == ""
    assert control != "", "what is in a layer is found by this"
    assert word not in shop.host.docker("history", "--no-trunc", image).stdout


def test_a_wrong_index_is_asked(shop: Workshop) -> None:
    """The shell's index is the one that is asked: one that is not there fails the build, without its password in what is said."""
    origin = shop.service({"web.py": WEB, "third.py": ""})

    with pytest.raises(RuntimeError, match="Connection refused") as caught:
        shop.build(origin, "py312", {"UV_DEFAULT_INDEX": "http://me:tulip-0451@localhost:9/simple"})

    assert "tulip-0451" not in str(caught.value)


def test_a_slot_that_is_well(placed: Workshop) -> None:
    """Every check passes on both runtimes, nothing of it is left in the engine, and the slot's own containers still run."""
    before = placed.containers()

    report = checked(placed.contract(blue="py39", green="py312"), "green")

    findings = by_check(report)
    verdicts = {name: each.verdict for name, each in findings.items() if name not in {"packages", "size"}}
    assert set(verdicts.values()) == {Verdict.PASS}, report.to_json()
    assert findings["sigterm"].measured == 0
    assert findings["output"].details[0] == "bye"
    assert findings["imports"].because == "2 modules were imported"
    assert (report.verdict, report.other) == (Verdict.PASS, "blue")
    assert placed.containers() == before


def test_the_image_tells_that_it_is_well(placed: Workshop) -> None:
    """The health check of the image sees that the service answers."""
    name = f"crossfade-{placed.stack}-api--green"
    wait_for(
        lambda: placed.host.docker("inspect", "--format", "{{.State.Health.Status}}", name).stdout.strip() == "healthy", limit=40
    )


def test_a_slot_that_is_not_well(shop: Workshop, images: dict[str, str]) -> None:
    """Another runtime, root, no health check, a module that Python no longer has, and one that does not end: each is told."""
    origin = shop.service({"web.py": STUBBORN, "old.py": "import imp\n"}, RUDE)
    image = shop.build(origin, "py312")
    shop.run(images["py39"], "blue", "python", "-m", "web")
    shop.run(image, "green", "python", "-m", "web", user="0")
    before = shop.containers()
    try:
        report = checked(shop.contract(blue="py39", green="py313"), "green")
        after = shop.containers()
    finally:
        shop.close()

    findings = by_check(report)
    failed = {name for name, each in findings.items() if each.verdict is Verdict.FAIL}
    assert failed == {"python", "imports", "user", "healthcheck", "sigterm", "output"}
    assert findings["imports"].details == ("old (the program itself): ModuleNotFoundError: No module named 'imp'",)
    assert findings["sigterm"].because == "it did not end within 15 s of SIGTERM, and was killed"
    assert report.verdict is Verdict.FAIL
    assert after == before


def test_a_program_that_needs_others(shop: Workshop, images: dict[str, str], tmp_path: Path) -> None:
    """It is tried with its environment, without a network, and with empty folders for those that it shares."""
    (tmp_path / "beat.json").touch()
    code = "import os, sys; sys.exit([os.listdir('/sys/class/net'), os.listdir('/crossfade/beat'), os.environ['GREETING']])"
    shared = ["--mount", f"type=bind,source={tmp_path},target=/crossfade/beat"]
    shop.run(images["py312"], "green", "python", "-c", code, options=["--restart", "always", *shared])
    try:
        findings = by_check(checked(shop.contract(green="py312"), "green"))
    finally:
        shop.close()

    assert (findings["sigterm"].verdict, findings["sigterm"].measured) == (Verdict.UNDECIDED, 1)
    assert findings["sigterm"].details == (r"[['lo'], [], 'two\nlines']",)


def test_what_was_left_behind(placed: Workshop) -> None:
    """What a killed process left in the engine is removed by the next; what another that lives uses is not."""
    with subprocess.Popen([sys.executable, "-c", "pass"]) as dead:
        dead.wait(30)
    names = {str(dead.pid): "dead", str(os.getpid()): "alive"}
    image = placed.host.docker("inspect", "--format", "{{.Image}}", f"crossfade-{placed.stack}-api--green").stdout.strip()
    labels = ["--label", f"crossfade.stack={placed.stack}"]
    for pid, name in names.items():
        placed.host.docker("create", "--name", f"i-{name}", "--label", f"crossfade.check={pid}", *labels, image, "true")

    checked(placed.contract(green="py312"), "green")

    left = placed.host.docker("ps", "--all", "--format", "{{.Names}}", "--filter", "name=^i-").stdout.split()
    assert left == ["i-alive"]


def test_an_engine_that_does_not_answer(placed: Workshop) -> None:
    """An engine that is not there is an error with its address, and no verdict."""
    contract = placed.contract(green="py312")
    [service] = contract.services
    away = {slot: replace(each, daemon="unix:///nowhere.sock") for slot, each in service.placements.items()}

    with pytest.raises(DeployError, match="the engine did not do what it was asked") as caught:
        checked(replace(contract, services=(replace(service, placements=away),)), "green")

    assert caught.value.where == "unix:///nowhere.sock"


def test_a_stack_without_images(placed: Workshop) -> None:
    """A stack of processes has no images to check."""
    contract = placed.contract(green="py312")
    [service] = contract.services
    processes = {slot: replace(each, container=None) for slot, each in service.placements.items()}

    with pytest.raises(UsageError, match="has no images in slot green"):
        checked(replace(contract, target="local", services=(replace(service, placements=processes),)), "green")


def test_images_that_nothing_needs(placed: Workshop) -> None:
    """What is recorded and what a container uses is kept, and so is another project's; the rest goes, with its build context."""
    origins = {name: placed.service({"web.py": f"# {name}\n{WEB}"}) for name in ("recorded", "outdated", "foreign", "used")}
    for name, origin in origins.items():
        placed.build(origin, "py312", home="/another" if name == "foreign" else "")
    recipes = {name: placed.recipe(origin, "py312") for name, origin in origins.items()}
    names = {name: f"crossfade/{placed.stack}-api:{recipe.tag}" for name, recipe in recipes.items()}
    placed.host.docker("create", "--label", f"crossfade.stack={placed.stack}", "--name", "i-used", names["used"])
    wanted = [{part: getattr(recipes["recorded"], part) for part in RECIPE}]

    found = outdated(placed.home, placed.contract(green="py312"), wanted)
    for each in found:
        remove(each)

    listed = placed.host.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").stdout.split()
    contexts = {each.name for each in (placed.home / "contexts").iterdir()}
    assert {name for name, each in names.items() if each in listed} == {"recorded", "foreign", "used"}
    assert {name for name, each in recipes.items() if each.folder in contexts} == {"recorded", "used"}
    assert {each.kind for each in found} == {"image", "context"}
    assert outdated(placed.home, placed.contract(green="py312"), wanted) == []


def test_an_image_that_somebody_uses_by_now(placed: Workshop) -> None:
    """An image that a container was made from since it was listed stays, and is told."""
    name = placed.build(placed.service({"web.py": f"# late\n{WEB}"}), "py312")
    wanted = [dict.fromkeys(RECIPE, "x")]
    late = next(each for each in outdated(placed.home, placed.contract(green="py312"), wanted) if name in each.tags)
    placed.host.docker("create", "--label", f"crossfade.stack={placed.stack}", "--name", "i-late", name)

    with pytest.raises(DeployError, match="the engine did not do what it was asked"):
        remove(late)

    assert Docker(placed.host.docker_host).asked("image", "inspect", "--format", "{{.Id}}", late.name).strip() == late.name


def test_the_command(placed: Workshop, tmp_path: Path) -> None:
    """The program prints a line a check, or one document; a warning does not change its exit code."""
    shop = open_shop(tmp_path)
    services = placed.contract(blue="py39", green="py312").to_json()["services"]
    shop.declare(service={"placements": services[0]["placements"]})

    lines, document = shop.crossfade("images"), shop.crossfade("images", "--json")

    assert (lines.returncode, document.returncode) == (Exit.WANTED, Exit.WANTED), lines.stderr + document.stderr
    assert lines.stdout.split()[1] == "api/python"
    assert json.loads(document.stdout)["verdict"] == "pass"
    assert document.stdout.startswith('{"format": 1, ')
