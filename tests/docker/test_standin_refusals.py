"""What the stand-in for the docker provider refuses, and in whose words."""

from typing import Any

import pytest
from standin import Declared, Engine

pytest_plugins = ["standin_fixtures"]
pytestmark = [pytest.mark.docker, pytest.mark.engine]


def test_a_name_that_is_taken_is_refused_in_the_words_of_the_engine(stack: Declared, engine: Engine) -> None:
    """Whoever has the name keeps it."""
    engine.docker("network", "create", "--label", f"crossfade.test={engine.name}", f"{engine.name}-net")
    label = ["--label", f"crossfade.test={engine.name}"]
    taken = engine.docker("run", "-d", *label, "--name", f"{engine.name}-one", engine.image)
    text = stack.refused(stack.thing("Network", "net"), stack.container())

    assert f'The container name "/{engine.name}-one" is already in use by container "{taken}"' in text
    assert f"network with name {engine.name}-net already exists" in text
    assert engine.inspect("one")["Id"] == taken


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"image": "crossfade/none:here"}, "No such image: crossfade/none:here"),
        ({"entrypoints": ["/none"]}, "/none"),
        ({"networks_advanced": [{"name": "crossfade-none"}]}, "network crossfade-none not found"),
    ],
)
def test_nothing_is_left_of_a_container_that_cannot_start(
    stack: Declared, engine: Engine, inputs: dict[str, Any], expected: str
) -> None:
    """A refusal says what the engine said, and what was made on the way is gone."""
    text = stack.refused(stack.container(**inputs))

    assert expected in text
    assert engine.things() == []


@pytest.mark.parametrize(
    ("inputs", "stranger"),
    [
        ({"dns": ["192.0.2.1"]}, "dns"),
        ({"mounts": [{"type": "bind", "target": "/x", "bind_options": {}}]}, "mounts[0].bindOptions"),
    ],
)
def test_what_the_stand_in_does_not_know_it_refuses(
    stack: Declared, engine: Engine, inputs: dict[str, Any], stranger: str
) -> None:
    """No property is passed over in silence, also not one within another."""
    text = stack.refused(stack.container(**inputs))

    assert f"the stand-in knows no {stranger}" in text
    assert engine.things() == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "docker.Tag('tag', source_image='one', target_image='two', opts=pulumi.ResourceOptions(**ON))",
            "the stand-in knows no Tag",
        ),
        ("docker.Network('net', opts=pulumi.ResourceOptions(**ON))", "the stand-in makes up no names: give one"),
        ("docker.Provider('other', host=ON['provider'].host, context='here')", "the stand-in knows no context"),
    ],
)
def test_what_the_stand_in_cannot_do_it_says(stack: Declared, line: str, expected: str) -> None:
    """Other resources, names that nobody gave, and other settings of the provider are refused."""
    text = stack.refused(line)

    assert expected in text


def test_an_engine_that_does_not_answer_is_named(stack: Declared, engine: Engine) -> None:
    """No engine, no deployment, and the address is in what is said."""
    stack.write(stack.container())
    program = stack.folder / "__main__.py"
    program.write_text(program.read_text(encoding="utf-8").replace(engine.host, "unix:///nowhere.sock"), encoding="utf-8")
    done = stack.pulumi("up", "--yes", "--skip-preview", check=False)

    assert done.returncode != 0
    assert "no answer from the engine at unix:///nowhere.sock" in done.stdout + done.stderr
