"""The rights of ``deploy/rbac.yaml``, given to users of a cluster of the tests' own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from kube_api import Api

MANIFEST = Path(__file__).parents[2] / "deploy" / "rbac.yaml"
ROLLOUT, DECLARE, GATEWAY = "crossfade-rollout", "crossfade-declare", "crossfade-gateway"
Right = tuple[str, str, str]
"""Group, resource and verb."""
Rules = Mapping[tuple[str, str], Sequence[str]]
"""Verbs by group and resource."""


def rules(role: str) -> Rules:
    """Those of a role in the manifest, each of one resource."""
    documents = yaml.safe_load_all(MANIFEST.read_text(encoding="utf-8"))
    (found,) = [each for each in documents if each["kind"] in {"Role", "ClusterRole"} and each["metadata"]["name"] == role]
    return {(group, resource): tuple(each["verbs"]) for each in found["rules"] for group, resource in [_one(each)]}


def _one(rule: Mapping[str, Any]) -> tuple[str, str]:
    (group,), (resource,) = rule["apiGroups"], rule["resources"]
    return group, resource


def rights(role: str) -> list[Right]:
    """Every single right of a role."""
    return [(group, resource, verb) for (group, resource), verbs in rules(role).items() for verb in verbs]


def applied(api: Api, namespace: str) -> None:
    """Apply the manifest in a namespace, as its first lines say."""
    api.kubectl("-n", namespace, "apply", "-f", str(MANIFEST))


def bound(api: Api, namespace: str, role: str, user: str, *, kind: str = "role") -> None:
    """Give a user a role there."""
    api.kubectl("-n", namespace, "create", "rolebinding", f"{role}:{user}", f"--{kind}", role, "--user", user)


def given_but(api: Api, namespace: str, role: str, user: str, taken: Right) -> None:
    """Give a user everything of a role but one right."""
    left = [each for each in rights(role) if each != taken]
    named = [{"apiGroups": [group], "resources": [resource], "verbs": [verb]} for group, resource, verb in left]
    metadata = {"name": f"{role}-{user}", "namespace": namespace}
    api.apply({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata, "rules": named})
    bound(api, namespace, f"{role}-{user}", user)
