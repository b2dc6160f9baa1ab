"""What is wrong with settings, as documents a person can act on."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import yaml

from infra.config.document import PREFIX, Document, Keys

STATE = "nothing was changed; users see what they saw before"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong."""

    what: str
    where: str
    """``file:line key``."""
    cause: str
    hint: str
    """The lines to paste, in the place of what is there; or the command to run."""

    def text(self) -> str:
        """The document: ``error:`` first, the rest indented under it."""
        parts = (("where", self.where), ("cause", self.cause), ("hint", self.hint), ("state", STATE))
        lines = [f"  {name + ':':<7}{text}".replace("\n", "\n         ") for name, text in parts]
        return "\n".join([f"error: {self.what}", *lines])

    def to_json(self) -> Mapping[str, str]:
        """The document for machines."""
        return {**asdict(self), "state": STATE}


class FaultsError(Exception):
    """The settings are broken: every fault that could be told at once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n\n".join(fault.text() for fault in faults))
        self.faults = tuple(faults)


def lines_of(values: Mapping[str, object]) -> str:
    """Lines of YAML to paste."""
    return "\n".join(_line(key, value) for key, value in values.items())


def _line(key: str, value: object) -> str:
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    flat = not any(isinstance(part, Mapping | list | tuple) for part in parts)
    if flat:
        text = yaml.safe_dump([value], default_flow_style=True, width=1000).strip()
        return f"{key}: {text[1:-1]}"
    return str(yaml.safe_dump({key: value}, sort_keys=False, default_flow_style=None, width=100)).rstrip()


def paste(document: Document, keys: Keys, value: object) -> str:
    """The lines that make this the value there. An entry of a list comes with the whole list: it has no name of its own."""
    while isinstance(keys[-1], int):
        whole = list(document.at(keys[:-1]))
        whole[keys[-1]] = value
        keys, value = keys[:-1], whole
    return lines_of({f"{PREFIX if len(keys) == 1 else ''}{keys[-1]}": value})
