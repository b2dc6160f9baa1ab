"""A soak: hours in which the live slot is well and under load, what they show, and whether memory grows. Pure.

Here belong what one look kept, how much of the time counts, and the verdict. What must not be here: who looks, where it is kept.
"""

from smoke.soaking.judging import Soak, Wanted, judged
from smoke.soaking.looks import Look
from smoke.soaking.trend import Trend, trend

__all__ = ["Look", "Soak", "Trend", "Wanted", "judged", "trend"]
