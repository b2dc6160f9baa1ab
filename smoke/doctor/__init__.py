"""What this machine has, what is missing or too old, and the fix. Changes nothing; on a network it asks a stack's cluster alone.

A check is a small function that asks a ``Machine`` and yields what it found; a new one is a function and a line in its table.
What must not be here: anything about a backend, and what a stack that is up says of itself; that comes from the caller.
"""

from smoke.doctor.check import Check, Outcome, examine
from smoke.doctor.cluster import CLUSTER, OUTSIDE, Stake, stake_of
from smoke.doctor.containers import CONTAINERS, INSIDE, TOLD, engine_of
from smoke.doctor.machine import Machine, Said, ThisMachine
from smoke.doctor.programs import MACHINE
from smoke.doctor.project import PROJECT, Left, Place

__all__ = [
    "CLUSTER",
    "CONTAINERS",
    "INSIDE",
    "MACHINE",
    "OUTSIDE",
    "PROJECT",
    "TOLD",
    "Check",
    "Left",
    "Machine",
    "Outcome",
    "Place",
    "Said",
    "Stake",
    "ThisMachine",
    "engine_of",
    "examine",
    "stake_of",
]
