"""A compose file that somebody else wrote, and the override beside it that runs the same system on another runtime.

Reads texts, gives texts: what is written where, and what Docker says, is the caller's. Their file is never changed.
What must not be here: processes, files, and anything about a stack beyond its services' names and kinds.
"""

from smoke.compose.difference import changed, hidden, secrets_of, unified
from smoke.compose.findings import Finding, Kind
from smoke.compose.merging import merged
from smoke.compose.planning import Change, Plan, Wish, dockerfile_of, plan, project_of
from smoke.compose.reading import LARGEST, ComposeFile, load, read
from smoke.compose.stack import Stack, stack_of
from smoke.compose.text import MARKER, NEEDED, is_ours, plain, text_of

__all__ = [
    "LARGEST",
    "MARKER",
    "NEEDED",
    "Change",
    "ComposeFile",
    "Finding",
    "Kind",
    "Plan",
    "Stack",
    "Wish",
    "changed",
    "dockerfile_of",
    "hidden",
    "is_ours",
    "load",
    "merged",
    "plain",
    "plan",
    "project_of",
    "read",
    "secrets_of",
    "stack_of",
    "text_of",
    "unified",
]
