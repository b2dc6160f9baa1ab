"""Synthetic open-loop traffic through the front door, and the load gate that counts what was lost.

It runs in a process of its own: the driver's ticks do not wait for it, and it does not wait for them. Requests are due at fixed
times, whatever became of those before, and are timed from when they were due: a server that freezes is seen to freeze.

What must not be here: which rate or path a service gets; that is the plan's. What the numbers mean; that is ``smoke.analysis``.
"""

from smoke.traffic.load import Load, Target
from smoke.traffic.record import Entry, entries
from smoke.traffic.running import Running, traffic
from smoke.traffic.summary import Loss, Summary

__all__ = ["Entry", "Load", "Loss", "Running", "Summary", "Target", "entries", "traffic"]
