"""What was found out about a release before it may go on, and whether that still counts. Pure.

A gate asks one question. Whoever answers it, a program or a person, leaves evidence: the verdict with its numbers, for one
release, at one time, chained to all evidence before it. Whether a gate is open is computed from that each time anew.
What must not be here: how a question is answered, and where evidence is kept.
"""

from smoke.evidence.chain import Broken, chained, linked
from smoke.evidence.item import PHASES, SIGNS, Evidence, File, Gate, Outcome, Waiver
from smoke.evidence.standing import Standing, State, stand

__all__ = [
    "PHASES",
    "SIGNS",
    "Broken",
    "Evidence",
    "File",
    "Gate",
    "Outcome",
    "Standing",
    "State",
    "Waiver",
    "chained",
    "linked",
    "stand",
]
