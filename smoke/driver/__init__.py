"""The driver: looks, lets the core decide, records, and acts. One loop, one colour.

It holds no truth of its own: what it is to do follows from the rollout, which is the fold of the journal, so a driver that takes
over from a dead one needs no other code. Every act is absolute and may be repeated. What must not be here: a decision.
"""

from smoke.driver.loop import Driver
from smoke.driver.world import Sampler, World

__all__ = ["Driver", "Sampler", "World"]
