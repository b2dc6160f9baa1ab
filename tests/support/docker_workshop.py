"""A project whose stack lives in containers: the settings of ``Pulumi.docker.yaml`` on free ports, and a real engine."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from docker_host import DockerHost
from workshop import PLAN, Workshop, settings_of, workshop


class DockerWorkshop(Workshop):
    """The folder, the two programs that a person types, and the engine."""

    host: DockerHost

    def container(self, program: str) -> str:
        """The name of a container."""
        return f"crossfade-staging-{program}"

    def things(self) -> Mapping[str, list[str]]:
        """Names of every container, network, volume and builder that the engine has; images apart."""
        return {
            "containers": self.listed("ps", "--all", "--format", "{{.Names}}"),
            "networks": self.listed("network", "ls", "--filter", "type=custom", "--format", "{{.Name}}"),
            "volumes": self.listed("volume", "ls", "--format", "{{.Name}}"),
            "builders": self.listed("buildx", "ls"),
        }

    def images(self) -> list[str]:
        """Every image that a stack of ours was built, by name and tag."""
        return [each for each in self.listed("images", "--format", "{{.Repository}}:{{.Tag}}") if each.startswith("crossfade/")]

    def listed(self, *words: str) -> list[str]:
        """Lines that the engine answers with, in order."""
        return sorted(self.host.docker(*words).stdout.splitlines())


@contextmanager
def docker_workshop(
    host: DockerHost, plan: Mapping[str, Any] = PLAN, prepare: Callable[[DockerWorkshop], None] = lambda _: None
) -> Iterator[DockerWorkshop]:
    """A project that is not up yet; what else its settings must say is written by ``prepare``."""
    with workshop(DockerWorkshop, settings_of("docker"), plan=plan) as made:
        assert isinstance(made, DockerWorkshop)
        made.host = host
        made.environment |= dict(host.environment)
        host.install_plugins(made.folder / ".pulumi-plugins")
        made.environment["PULUMI_HOME"] = str(made.folder / ".pulumi-plugins")
        prepare(made)
        made.save()
        yield made


@contextmanager
def docker_up(
    host: DockerHost, plan: Mapping[str, Any] = PLAN, prepare: Callable[[DockerWorkshop], None] = lambda _: None
) -> Iterator[DockerWorkshop]:
    """A project that is up: blue on 3.9 is live, green on 3.12 stands by."""
    with docker_workshop(host, plan, prepare) as made:
        made.up()
        yield made
