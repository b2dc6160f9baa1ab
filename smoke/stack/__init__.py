"""What Pulumi declares for one stack, and the way back: one file a backend, and the one table that knows them.

Here belongs everything that knows Pulumi on this side: the command line, the state's files, the stack's settings file. What must
not be here: weights.
"""

from smoke.stack.memory import MemoryStack
from smoke.stack.project import Project, find_project
from smoke.stack.pulumi_cli import PulumiStack

STACKS = {"pulumi": PulumiStack, "memory": MemoryStack}

__all__ = ["STACKS", "MemoryStack", "Project", "PulumiStack", "find_project"]
