"""What the override of a compose file sets, and what is said of it."""

from typing import Any

import pytest

from smoke.compose import Change, Kind, Plan, Wish, plain, plan, read, stack_of
from smoke.errors import UsageError

SETTINGS = """\
config:
  crossfade:target: docker
  crossfade:slots: {blue: {runtime: py39}, green: {runtime: py312}}
  crossfade:services:
    api: {kind: http, command: "python -m shop.api $ROOT", port: 8080}
    agent: {kind: singleton, command: python -m shop.agent}
"""
ENDING = {"stop_signal": "SIGTERM", "stop_grace_period": "15s"}
TAKES = "ARG PYTHON_VERSION=3.9-slim\nFROM python:${PYTHON_VERSION}\n"


def planned(text: str, settings: str | None = None, dockerfile: str | None = None) -> Plan:
    """The plan of a file, of a project called shop; every build has this Dockerfile."""
    stack = None if settings is None else stack_of(settings, "Pulumi.staging.yaml", "staging", "py312")
    file = read(text, "shop.yml")
    return plan(file, Wish("py312", "shop", stack, dict.fromkeys(file.services, dockerfile)))


def api(body: str, settings: str | None = None, dockerfile: str | None = None) -> dict[str, Any]:
    """What the override says of the one service of a file."""
    document: dict[str, Any] = plain(planned(f"services:\n  api: {{{body}}}\n", settings, dockerfile).document)
    found: dict[str, Any] = document.get("services", {}).get("api", {})
    return found


def kinds(text: str, settings: str | None = None, dockerfile: str | None = None) -> dict[str, Kind]:
    """The findings that a person must know, by where they are; those on health left out."""
    found = planned(text, settings, dockerfile).findings
    return {each.where.partition(" ")[2]: each.kind for each in found if each.kind is not Kind.INCONCLUSIVE and " " in each.where}


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("python:3.9", "python:3.12"),
        ("python:3.9.18-slim-bookworm", "python:3.12-slim-bookworm"),
        ("python", "python:3.12"),
        ("python:latest", "python:3.12"),
        ("python:slim", "python:3.12-slim"),
        ("mirror.example:5000/library/python:3.9-slim", "mirror.example:5000/library/python:3.12-slim"),
        ("python:3.9-slim@sha256:0123", "python:3.12-slim"),
        ("python:${PY:-3.9}-slim", "python:3.12-slim"),
        ("python:$PY", "python:3.12"),
    ],
)
def test_an_official_image_becomes_that_of_the_runtime(image: str, expected: str) -> None:
    """Its variant and its registry stay."""
    assert api(f"image: '{image}'") == {"image": expected, **ENDING}


@pytest.mark.parametrize("image", ["postgres:13", "shop/python-tools:3.9", "cpython:3.9", "redis"])
def test_what_is_not_pythons_stays(image: str) -> None:
    """A database is started a second time as it is."""
    assert api(f"image: '{image}'") == {}


@pytest.mark.parametrize(
    ("dockerfile", "build", "expected"),
    [
        (TAKES, ".", "3.12-slim"),
        ("ARG PYTHON_VERSION\nFROM python:${PYTHON_VERSION}-slim\n", ".", "3.12"),
        (TAKES, "{context: ., args: {PYTHON_VERSION: 3.9.18-bullseye}}", "3.12-bullseye"),
        (TAKES, "{context: ., args: [PYTHON_VERSION=3.9]}", "3.12"),
        (TAKES, "{context: ., args: ['PYTHON_VERSION=${PY:-3.9}']}", "3.12"),
    ],
)
def test_a_build_is_given_the_version(dockerfile: str, build: str, expected: str) -> None:
    """By the argument that its Dockerfile takes, with what stands behind the number in theirs."""
    found = api(f"build: {build}", dockerfile=dockerfile)

    assert found == {"build": {"args": {"PYTHON_VERSION": expected}}, **ENDING}


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("shop/api", "shop/api:py312"),
        ("shop/api:1.4", "shop/api:1.4-py312"),
        ("here:5000/api", "here:5000/api:py312"),
        ("${HUB:-a.b:5000/x}/api:${TAG:-1}", "${HUB:-a.b:5000/x}/api:${TAG:-1}-py312"),
        ("${IMAGE}", "${IMAGE}-py312"),
    ],
)
def test_a_build_takes_no_name_from_the_old_one(image: str, expected: str) -> None:
    """The old side starts from the image of its name, and must find its own there."""
    assert api(f"build: ., image: '{image}'", dockerfile=TAKES)["image"] == expected


@pytest.mark.parametrize("dockerfile", ['FROM node:20\nCMD ["node"]\n', "FROM nginx\nCOPY python.html /\n"])
def test_a_build_of_something_else_stays(dockerfile: str) -> None:
    """No argument is given to what is no Python."""
    assert api("build: .", dockerfile=dockerfile) == {}


@pytest.mark.parametrize(
    "dockerfile", ["FROM python:3.9\n", "FROM base\nRUN pip install x\n", "FROM base\nCMD python -m x\n", None]
)
def test_a_build_that_may_stay_with_the_old_runtime_is_said(dockerfile: str | None) -> None:
    """A Dockerfile that takes no version, or that cannot be read, may give the same image twice."""
    found = kinds("services:\n  api: {build: .}\n", dockerfile=dockerfile)

    assert found == {"services.api.build": Kind.STAYS}


def test_an_image_of_which_nothing_is_known_stays_and_is_said() -> None:
    """Where it runs Python by its command; where nothing says so it is taken for something else."""
    text = "services:\n  api: {image: shop/api, command: [uvicorn, app]}\n  web: {image: shop/web}\n"

    assert kinds(text) == {"services.api.image": Kind.STAYS}
    assert "services" not in planned(text).document


def test_a_service_of_the_stack_has_the_stacks_image() -> None:
    """Instead of their build, of this machine alone, started as the settings say and listening where their file expects it."""
    found = api("build: ., ports: ['80:8000'], environment: ['HOST=::']", settings=SETTINGS)

    assert found == {
        "image": "crossfade/staging-api:py312",
        "build": None,
        "pull_policy": "never",
        "command": "python -m shop.api $$ROOT",
        "environment": {"PORT": "8000"},
        "ports": ["10080:8000"],
        **ENDING,
    }


def test_a_slot_may_start_a_service_otherwise() -> None:
    """The slot's own command is the one in force."""
    settings = SETTINGS.replace("{runtime: py312}", "{runtime: py312, services: {api: {command: fast}}}")

    assert api("image: x", settings=settings)["command"] == "fast"


def test_a_command_of_theirs_is_kept() -> None:
    """With the stack's image, whose registry is asked where there is one."""
    settings = f"{SETTINGS}  crossfade:docker: {{registry: 'hub.example'}}\n"

    assert api("image: x, command: run", settings=settings) == {"image": "hub.example/crossfade/staging-api:py312", **ENDING}


def test_a_stack_without_images_says_kinds_alone() -> None:
    """Its singletons are left out all the same."""
    settings = SETTINGS.replace("docker", "local")
    found = planned("services:\n  agent: {image: 'python:3.9'}\n", settings=settings)

    assert found.idle == ("agent",)
    assert plain(found.document)["services"]["agent"]["image"] == "python:3.12"


def test_a_runtime_that_no_slot_has_is_refused() -> None:
    """There would be no image of it."""
    with pytest.raises(UsageError, match="py313") as refused:
        stack_of(SETTINGS, "Pulumi.staging.yaml", "staging", "py313")

    assert refused.value.cause == "they have: py312, py39"


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("{test: [CMD, ok]}", {"start_period": "30s"}),
        ("{test: [CMD, ok], start_period: 5s}", None),
        ("{test: NONE}", None),
        ("{test: [NONE]}", None),
        ("{test: [CMD, ok], disable: true}", None),
        ("{interval: 5s}", None),
        ("null", None),
    ],
)
def test_a_check_is_given_time_to_start(check: str, expected: object) -> None:
    """Where there is one, and it says nothing of it. None is invented."""
    assert api(f"image: python, healthcheck: {check}").get("healthcheck") == expected


@pytest.mark.parametrize("check", ["null", "{test: NONE}", "{disable: true, test: [CMD, ok]}", "{interval: 5s}"])
def test_without_a_check_nothing_is_called_healthy(check: str) -> None:
    """That it runs is inconclusive, for whatever service."""
    found = planned(f"services:\n  db: {{image: postgres, healthcheck: {check}}}\n").findings

    assert found[0].kind is Kind.INCONCLUSIVE
    assert found[0].where == "shop.yml:2 services.db.healthcheck"


def test_how_theirs_end_is_kept() -> None:
    """Signal and grace are set where they say nothing."""
    assert api("image: python, stop_signal: SIGINT, stop_grace_period: 1m") == {"image": "python:3.12"}


def test_what_has_a_fixed_name_gets_another() -> None:
    """Two containers, or two networks, cannot have one name."""
    text = "services:\n  db: {image: postgres, container_name: shop-db}\nnetworks:\n  default: {name: shop-net}\n"
    found = planned(text)

    assert plain(found.document) == {
        "name": "shop-py312",
        "services": {"db": {"container_name": "shop-db-py312"}},
        "networks": {"default": {"name": "shop-net-py312"}},
    }
    assert found.changes == (
        Change("services.db.container_name", "shop-db", "shop-db-py312"),
        Change("networks.default.name", "shop-net", "shop-net-py312"),
    )


@pytest.mark.parametrize(
    ("mount", "expected"),
    [
        ("./data:/data", Kind.SHARED),
        ("/srv/data:/data:rw", Kind.SHARED),
        ("${DATA:-./data}:/data", Kind.SHARED),
        ("{type: bind, source: ./data, target: /data}", Kind.SHARED),
        ("outside:/data", Kind.SHARED),
        ("named:/data:z", Kind.SHARED),
        ("{type: volume, source: named, target: /data}", Kind.SHARED),
        ("./data:/data:ro", None),
        ("${DATA:-./data}:/data:ro,z", None),
        ("{type: bind, source: ./data, target: /data, read_only: true}", None),
        ("own:/data", None),
        ("/data", None),
        ("{type: tmpfs, target: /data}", None),
    ],
)
def test_what_both_would_write_to_is_said(mount: str, expected: Kind | None) -> None:
    """A folder of the machine, and a volume with a name of its own; nothing is changed about it."""
    mount = mount if mount.startswith("{type") else f"'{mount}'"
    volumes = "volumes: {own: null, outside: {external: true}, named: {name: x}}"
    text = f"services:\n  db: {{image: postgres, volumes: [{mount}]}}\n{volumes}\n"

    assert kinds(text).get("services.db.volumes[0]") is expected
    assert "services" not in planned(text).document


def test_a_volume_of_the_project_is_another_one() -> None:
    """The new side begins with an empty one: that is said once."""
    assert kinds("services:\n  db: {image: postgres}\nvolumes:\n  own:\n") == {"volumes.own": Kind.NOTE}


@pytest.mark.parametrize(
    ("more", "where", "kind"),
    [
        ("networks: {a: {external: true, name: shop-net}}", "networks.a", Kind.SHARED),
        ("networks: {a: {ipam: {config: [{subnet: 10.9.0.0/24}]}}}", "networks.a", Kind.CLASH),
        ("networks: {a: null}", "networks.a", None),
    ],
)
def test_networks_that_both_would_be_on_are_said(more: str, where: str, kind: Kind | None) -> None:
    """On one network a name means either; one subnet cannot be given twice."""
    text = f"services:\n  db: {{image: postgres}}\n{more}\n"

    assert kinds(text).get(where) is kind
    assert "networks" not in planned(text).document


def test_the_hosts_network_clashes() -> None:
    """No port of it can be moved."""
    text = "services:\n  db: {image: postgres, network_mode: host}\n"

    assert kinds(text) == {"services.db.network_mode": Kind.CLASH}
    assert not planned(text).well


@pytest.mark.parametrize("text", ["include: [x.yml]\nservices: {db: {image: a}}", "services: {db: {extends: {service: a}}}"])
def test_what_comes_from_other_files_is_said_to_be_unseen(text: str) -> None:
    """Its ports and names are not moved."""
    assert any(each.kind is Kind.NOTE and "from other files" in each.what for each in planned(text).findings)


def test_what_is_bad_comes_first_and_makes_it_unwell() -> None:
    """A person reads from the top."""
    found = planned("services:\n  db: {image: postgres, volumes: ['./a:/a']}\n")

    assert [each.kind for each in found.findings] == [Kind.SHARED, Kind.INCONCLUSIVE, Kind.NOTE]
    assert not found.well
    assert planned("services:\n  db: {image: postgres}\n").well


def test_a_broken_port_has_its_line() -> None:
    """As everything that is broken."""
    with pytest.raises(UsageError) as refused:
        planned("services:\n  db:\n    image: postgres\n    ports:\n      - '80:80'\n      - {published: 1}\n")

    assert refused.value.where == "shop.yml:6 services.db.ports[1]"
