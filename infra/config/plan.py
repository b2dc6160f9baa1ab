"""The plan as the contract carries it: complete, in seconds, milliseconds and percent."""

from collections.abc import Mapping

from infra.config.settings import GateSettings, Settings
from infra.contract import Json


def plan_document(settings: Settings) -> Mapping[str, Json]:
    """The plan with every default filled in. Singletons are handed over last, in a step of their own."""
    plan = settings.plan
    steps = [
        {
            "share": step.share,
            "bake": step.bake if step.bake is not None else plan.last if step is plan.steps[-1] else plan.bake,
            "requests": plan.requests if step.requests is None else step.requests,
            "limit": plan.limit if step.limit is None else step.limit,
            "singletons": False,
        }
        for step in plan.steps
    ]
    if any(service.kind == "singleton" for service in settings.services.values()):
        steps.append({**steps[-1], "bake": plan.bake, "requests": 0, "singletons": True})
    return {
        "steps": steps,
        "gates": gates_document(plan.gates),
        "own": {name: gates_document(plan.gates, own) for name, own in own_gates(settings).items()},
        "tick": plan.tick,
        "prove": plan.prove,
        "blind": plan.blind,
        "hold": plan.hold,
        "policy": plan.at_limit,
        "traffic": {name: each.model_dump() for name, each in plan.traffic.items()},
    }


def gates_document(*settings: GateSettings) -> Mapping[str, Json]:
    """Gates, complete; what the later ones say wins over what the first one says."""
    first, *rest = settings
    gates = first.model_dump()
    for each in rest:
        gates |= each.model_dump(exclude_unset=True)
    gates["p95_ms"] = gates.pop("p95")
    return gates


def own_gates(settings: Settings) -> Mapping[str, GateSettings]:
    """By service: what it says of its own gates; a service that says nothing is absent."""
    return {name: each.gates for name, each in settings.services.items() if each.gates.model_fields_set}


def objectives(settings: Settings) -> list[float]:
    """Every latency objective that some service has, in milliseconds."""
    documents = [
        gates_document(settings.plan.gates),
        *(gates_document(settings.plan.gates, own) for own in own_gates(settings).values()),
    ]
    return sorted({float(each["p95_ms"]) for each in documents})
