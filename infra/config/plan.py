"""The plan as the contract carries it: complete, in seconds, milliseconds and percent."""

from collections.abc import Mapping

from infra.config.settings import GateSettings, Settings
from infra.contract import Json


def plan_document(settings: Settings) -> Mapping[str, Json]:
    """The plan with every default filled in. Singletons are handed over last, in a step of their own."""
    plan = settings.plan
    return {
        "steps": steps_document(settings),
        "gates": gates_document(plan.gates),
        "own": {**service_gates(settings), **metric_gates(settings)},
        "tick": plan.tick,
        "prove": plan.prove,
        "blind": plan.blind,
        "hold": plan.hold,
        "policy": plan.at_limit,
        "warm_up": plan.warm_up,
        "false_aborts": plan.false_aborts,
        "false_passes": plan.false_passes,
        "traffic": {name: each.model_dump() for name, each in plan.traffic.items()},
        "windows": [each.contract() for each in plan.windows],
        "freezes": [each.contract() for each in plan.freezes],
        "approvals_last": plan.approvals_last,
        "own_approval": plan.own_approval,
        "absence": plan.absence,
        "keep": plan.keep,
        "forward": False,
    }


def steps_document(settings: Settings) -> list[Mapping[str, Json]]:
    """The steps alone. Who approved of the last one approved of the singletons, too."""
    plan = settings.plan
    steps: list[Mapping[str, Json]] = [
        {
            "share": step.share,
            "bake": step.bake if step.bake is not None else plan.last if step is plan.steps[-1] else plan.bake,
            "requests": plan.requests if step.requests is None else step.requests,
            "limit": plan.limit if step.limit is None else step.limit,
            "singletons": False,
            "approvals": step.approvals,
        }
        for step in plan.steps
    ]
    if any(service.kind == "singleton" for service in settings.services.values()):
        steps.append({**steps[-1], "bake": plan.bake, "requests": 0, "singletons": True, "approvals": 0})
    return steps


def gates_document(*settings: GateSettings) -> Mapping[str, Json]:
    """Gates, complete; what the later ones say wins over what the first one says."""
    first, *rest = settings
    gates = first.model_dump()
    for each in rest:
        gates |= each.model_dump(exclude_unset=True)
    gates["p95_ms"] = gates.pop("p95")
    return {**gates, "split": True}


def service_gates(settings: Settings) -> Mapping[str, Mapping[str, Json]]:
    """By service, where it has gates of its own."""
    return {name: gates_document(settings.plan.gates, own) for name, own in own_gates(settings).items()}


def own_gates(settings: Settings) -> Mapping[str, GateSettings]:
    """By service: what it says of its own gates; a service that says nothing is absent."""
    return {name: each.gates for name, each in settings.services.items() if each.gates.model_fields_set}


def metric_gates(settings: Settings) -> Mapping[str, Mapping[str, Json]]:
    """By ``service/metric``: the service's gates, but for the share that may be bad and for how much worse it may be.

    A share of 1 is no objective, and a ratio of 0 no comparison. What is counted need not follow the weights, and may be too
    little for evidence that it is well: what speaks against the candidate counts.
    """
    return {
        f"{name}/{called}": {
            **gates_document(settings.plan.gates, service.gates),
            "errors": 1.0 if metric.at_most is None else metric.at_most,
            "error_ratio": metric.ratio or 0.0,
            "requests": 0,
            "split": False,
        }
        for name, service in settings.services.items()
        for called, metric in service.metrics.items()
    }


def objectives(settings: Settings) -> list[float]:
    """Every latency objective that some service has, in milliseconds."""
    documents = [
        gates_document(settings.plan.gates),
        *(gates_document(settings.plan.gates, own) for own in own_gates(settings).values()),
    ]
    return sorted({float(each["p95_ms"]) for each in documents})
