"""Target: a folder of YAML that describes a service already."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fuzz_run import Check, Target, outcome

from infra.targets.kubernetes.layout import Layout
from infra.targets.kubernetes.manifests import ManifestsError, read, template

WHOLE = b"""apiVersion: v1
kind: ConfigMap
metadata: {name: prices}
data: {LOG_LEVEL: info}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 3
  strategy: {type: Recreate}
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}, annotations: {a: b}}
    spec:
      terminationGracePeriodSeconds: 45
      containers:
        - name: api
          image: registry.example.com/api:1
          env: [{name: A, value: "1"}]
          readinessProbe: {httpGet: {path: /health/, port: 8080}, periodSeconds: 1.0}
        - {name: log, image: "registry.example.com/log:2"}
"""
BESIDE = b"""
---
apiVersion: v1
kind: Service
metadata: {name: other, namespace: trading}
spec: {selector: {app: other}}
"""
WORDS = (b"---\n", b"null", b"[]", b"{}", b"kind: Service", b"2020-01-01", b"&a", b"*a", b"!!python/name:os.system", b"name: api")


@contextmanager
def _folder() -> Iterator[Check]:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        yield lambda data: manifests(Path(folder) / "all.yaml", data)


def manifests(file: Path, data: bytes) -> str:
    """A folder of one file; one that is taken makes pods, and what is beside them, that can be sent."""
    file.write_bytes(data)

    def act() -> None:
        found = read(file.parent, "api", "trading")
        seat = Layout("staging", "trading", None, None).seat("api", "blue")
        made = template(seat, json.loads(json.dumps(found.recorded())), "registry.example.com/api:2", "py312-0", {"A": "2"})
        json.dumps([made, *found.beside("trading"), found.ready])

    return outcome(act, ManifestsError)


def targets() -> tuple[Target, ...]:
    """The one."""
    return (Target("folder of YAML", _folder, (WHOLE, WHOLE + BESIDE), WORDS, cost=20),)
