"""Gates that ship: one file a gate, and the one table that knows them. Each is a command like any of the user's own.

``crossfade gate NAME ...`` prints a sentence and, as its last line, what ``crossfade check`` reads; its exit code is the verdict.
What must not be here: where evidence is kept, and what follows from it.
"""

from collections.abc import Callable, Mapping, Sequence

from smoke import table
from smoke.evidence import Outcome
from smoke.gates.answer import Answer
from smoke.gates.pair import Same

GATES: Mapping[str, str] = {
    "ab": "smoke.gates.ab:gate",
    "audit": "smoke.gates.audit:gate",
    "coverage": "smoke.gates.coverage:gate",
    "delta": "smoke.gates.delta:gate",
    "imports": "smoke.gates.imports:gate",
    "inventory": "smoke.gates.inventory:gate",
    "junit": "smoke.gates.junit:gate",
    "linters": "smoke.gates.linters:gate",
    "load": "smoke.gates.load:gate",
    "memory": "smoke.gates.memory:gate",
    "mentions": "smoke.gates.mentions:gate",
    "peer": "smoke.gates.peer:gate",
    "removed": "smoke.gates.removed:gate",
    "replay": "smoke.gates.replay:gate",
    "risks": "smoke.gates.risks:gate",
    "runtimes": "smoke.gates.runtimes:gate",
    "signatures": "smoke.gates.signatures:gate",
    "stop": "smoke.gates.stop:gate",
    "suite": "smoke.gates.suite:gate",
    "tls": "smoke.gates.tls:gate",
    "types": "smoke.gates.types:gate",
    "wheels": "smoke.gates.wheels:gate",
}

__all__ = ["GATES", "Answer", "gate"]


def gate(name: str) -> Callable[[Sequence[str]], Answer]:
    """The gate of that name; it is given what was written behind it.

    Raises:
        UsageError: there is none.
    """
    made: Callable[[Sequence[str]], Answer] = table.backend("gate", GATES, name)

    def asked(given: Sequence[str]) -> Answer:
        try:
            return made(given)
        except Same as error:
            # Two slots of one environment are no mistake of whoever wrote the gate, and nothing that fails.
            return Answer(Outcome.UNMEASURED, str(error), 0)

    return asked
