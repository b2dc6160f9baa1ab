"""Declares what exists: the Pulumi side of Crossfade.

Here belong the configuration of a stack, the program that turns it into resources, and the targets those resources live on.
What must not be here: anything that moves traffic or judges a release; that is ``smoke``, which this package never imports.
Module names must not shadow the standard library, because Pulumi puts this folder first on ``sys.path``.
"""
