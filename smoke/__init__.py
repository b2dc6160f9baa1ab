"""Proves the candidate, moves live traffic to it in steps, and goes back by itself: the owner of weights.

Here belong the decision (pure), the driver that acts on it, and one folder a seam with one file a backend.
What must not be here: declaring what exists; that is ``infra``, known to this package only by ``infra.contract``.
"""
