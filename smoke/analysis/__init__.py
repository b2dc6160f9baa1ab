"""Turns what was seen into findings: pure functions of values, no clock and no input or output.

Here belong the evidence of a step and the gates that judge it. What must not be here: what to do about a verdict
(``smoke.rollout``) and where counts come from (``smoke.meters``).
"""

from smoke.analysis.evidence import Evidence
from smoke.analysis.gates import judge, prove, verdict_of

__all__ = ["Evidence", "judge", "prove", "verdict_of"]
