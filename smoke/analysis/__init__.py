"""Turns what was seen into findings: pure functions of values, no clock and no input or output.

Here belong the evidence of a step and the gates that judge it. What must not be here: what to do about a verdict
(``smoke.rollout``) and where counts come from (``smoke.meters``).
"""

from smoke.analysis.evidence import Evidence
from smoke.analysis.gates import judge, prove, verdict_of
from smoke.analysis.weighing import explained

__all__ = ["Evidence", "explained", "judge", "prove", "verdict_of"]
