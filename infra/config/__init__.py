"""The settings of a stack: read from ``Pulumi.<stack>.yaml``, validated whole, turned into frozen values.

Here belongs everything about what a person may write and what is said when it is wrong. What must not be here: Pulumi, and
anything that looks at the machine; whether a runtime is installed or a port is free is for the target to say.
"""

from infra.config.document import Document, UnreadableError, from_values, read
from infra.config.faults import Fault, FaultsError
from infra.config.rules import broken_rules, settings_in, validate
from infra.config.settings import Companion, Service, Settings

__all__ = [
    "Companion",
    "Document",
    "Fault",
    "FaultsError",
    "Service",
    "Settings",
    "UnreadableError",
    "broken_rules",
    "from_values",
    "read",
    "settings_in",
    "validate",
]
