"""What is wrong with settings, as documents a person can act on."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from infra.config.document import Document, Keys

STATE = "nothing was changed; users see what they saw before"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong."""

    what: str
    where: str
    """``file:line key``."""
    cause: str
    hint: str
    """The lines to paste, or the command to run."""

    def text(self) -> str:
        """The document: ``error:`` first, the rest indented under it."""
        parts = (("where", self.where), ("cause", self.cause), ("hint", self.hint), ("state", STATE))
        lines = [f"  {name + ':':<7}{text}".replace("\n", "\n         ") for name, text in parts]
        return "\n".join([f"error: {self.what}", *lines])

    def to_json(self) -> Mapping[str, str]:
        """The document for machines."""
        return {**asdict(self), "state": STATE}


class FaultsError(Exception):
    """The settings are broken: every fault, in the order of the file."""

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


def from_validation(error: ValidationError, model: type[BaseModel], document: Document) -> list[Fault]:
    """The faults that the models found."""
    return [_fault(each, model, document) for each in error.errors()]


def _fault(error: ErrorDetails, root: type[BaseModel], document: Document) -> Fault:
    keys: Keys = error["loc"]
    if keys[-1] == "[key]":  # it is the key itself that is wrong, not what it holds
        keys = keys[:-1]
    model, name = _model_at(root, keys[:-1]), _name(keys)
    where, kind = document.where(keys), error["type"]
    if kind == "extra_forbidden":
        known = sorted(_names(model))
        near = difflib.get_close_matches(name, known, n=1)
        cause = f"known here are {', '.join(known)}" + (f"; did you mean {near[0]}?" if near else "")
        return Fault(f"there is no setting {name}", where, cause, _paste(model, near[0] if near else "", keys[:-1]))
    if kind == "missing":
        return Fault(f"{name} is missing", where, _description(model, name), _paste(model, name, keys))
    cause = str(error.get("ctx", {}).get("error") or error["msg"])
    given = repr(error["input"])
    what = f"{name} is wrong: {given if len(given) <= 80 else given[:80] + ' ...'}"  # noqa: PLR2004 - a line of a terminal
    return Fault(what, where, cause.replace("Input should", "it should", 1), _paste(model, name, keys))


def _name(keys: Keys) -> str:
    return f"{keys[-2]}[{keys[-1]}]" if isinstance(keys[-1], int) and len(keys) > 1 else str(keys[-1])


def _model_at(root: type[BaseModel], keys: Keys) -> type[BaseModel] | None:
    """The model that the keys lead to, through mappings and lists."""
    model: Any = root
    for key in keys:
        fields = getattr(model, "model_fields", {})
        field = fields.get(str(key)) or next((each for each in fields.values() if each.alias == key), None)
        if field is not None:
            model = _inner(field.annotation)
        elif not isinstance(key, int) and key in _tags(model):
            model = _tags(model)[str(key)]
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def _inner(annotation: Any) -> Any:  # noqa: ANN401 - a type, in whatever form
    """The innermost type of a mapping, a list or an optional."""
    arguments = [each for each in getattr(annotation, "__args__", ()) if each not in {type(None), Ellipsis}]
    if isinstance(annotation, type) and not arguments:
        return annotation
    return _inner(arguments[-1]) if len(arguments) == 1 or _is_mapping(annotation) else annotation


def _is_mapping(annotation: Any) -> bool:  # noqa: ANN401
    origin = getattr(annotation, "__origin__", None)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _tags(union: Any) -> Mapping[str, type[BaseModel]]:  # noqa: ANN401
    models = [each for each in getattr(union, "__args__", ()) if isinstance(each, type) and issubclass(each, BaseModel)]
    return {str(each.model_fields["kind"].default): each for each in models if "kind" in each.model_fields}


def _names(model: type[BaseModel] | None) -> list[str]:
    return (
        []
        if model is None
        else [field.alias or name for name, field in model.model_fields.items() if name != "kind" or field.is_required()]
    )


def _paste(model: type[BaseModel] | None, name: str, keys: Keys) -> str:
    """An example of the setting, as a line; or the settings that there are."""
    fields = {} if model is None else {field.alias or each: field for each, field in model.model_fields.items()}
    if name in fields and fields[name].examples:
        return lines_of({name: (fields[name].examples or [None])[0]})
    examples = {
        each: field.examples[0] for each, field in fields.items() if field.examples and (field.is_required() or each == "health")
    }
    return lines_of(examples) if examples else f"take {name or keys[-1]} out, or correct it"


def _description(model: type[BaseModel] | None, name: str) -> str:
    field = None if model is None else model.model_fields.get(name)
    return (field.description if field is not None else None) or "it has no default"
