"""What the project and this machine cannot give that the settings ask for. Looks, and changes nothing."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from infra.config import Document, Fault, Settings
from infra.config.faults import paste
from infra.images import PLUGINS, builder_faults, plugin_faults
from infra.targets.docker.ground import missing_dockerfiles
from infra.targets.docker.layout import engine_of
from infra.targets.kubernetes.layout import Layout
from infra.targets.kubernetes.manifests import ManifestsError, read
from infra.targets.local.ground import missing_files


def here(project: Path, layout: Layout, settings: Settings, document: Document) -> Sequence[Fault]:
    """Missing folders, locks and Dockerfiles of what is built here, and a stack whose name cannot be one in a cluster."""
    built = settings.model_copy(
        update={
            "services": {name: each for name, each in settings.services.items() if each.image is None},
            "companions": {name: each for name, each in settings.companions.items() if each.image is None},
        }
    )
    runtimes = sorted({each.runtime for each in settings.slots.values()})
    return [
        *_misnamed(layout, document),
        *missing_files(project, built, document, runtimes),
        *missing_dockerfiles(project, built, document),
        *_manifests(project, layout, settings, document),
    ]


def _manifests(project: Path, layout: Layout, settings: Settings, document: Document) -> Iterator[Fault]:
    """Folders of YAML that cannot be taken as they are."""
    for name, each in settings.services.items():
        if each.manifests is None:
            continue
        try:
            found = read(project / each.manifests, name, layout.namespace)
        except ManifestsError as error:
            yield Fault(error.what, document.where(("services", name, "manifests")), f"{error.file}: {error.cause}", error.hint)
            continue
        if each.port is not None and found.ports and each.port not in found.ports:
            keys = ("services", name, "port")
            cause = f"{found.workload.file}: its pods listen on {', '.join(map(str, found.ports))}"
            yield Fault(
                f"{name} does not listen on {each.port}", document.where(keys), cause, paste(document, keys, found.ports[0])
            )
        if each.kind != "singleton" and not found.ready:
            cause = (
                f"{found.workload.file}: {found.container} has no readinessProbe: a pod would get requests before it can answer"
            )
            hint = f"readinessProbe: {{httpGet: {{path: /health/, port: {each.port}}}}}"
            yield Fault(f"nobody sees when {name} is ready", document.where(("services", name, "manifests")), cause, hint)


def building(settings: Settings, document: Document) -> Iterator[Fault]:
    """What is missing to build images with."""
    where = document.where(("docker",))
    yield from builder_faults(where, engine_of(settings.docker.host, os.environ), settings.docker.builder)
    yield from plugin_faults(where, {"docker-build": PLUGINS["docker-build"]})


def _misnamed(layout: Layout, document: Document) -> Iterator[Fault]:
    if not layout.nameable:
        cause = "its name is part of names in the cluster: a-z, 0-9 and hyphens, 53 at most"
        where = document.where(("target",))
        yield Fault(f"a stack in a cluster cannot be {layout.stack}", where, cause, "pulumi stack rename NAME")
