"""The plan as the contract carries it: complete, in seconds, milliseconds and percent."""

from collections.abc import Mapping

from infra.config.settings import Settings
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
    gates = plan.gates.model_dump()
    gates["p95_ms"] = gates.pop("p95")
    return {
        "steps": steps,
        "gates": gates,
        "tick": plan.tick,
        "prove": plan.prove,
        "blind": plan.blind,
        "hold": plan.hold,
        "policy": plan.at_limit,
        "traffic": {name: each.model_dump() for name, each in plan.traffic.items()},
    }
