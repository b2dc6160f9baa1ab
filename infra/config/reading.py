"""From what the models refuse to faults: which key, why, and the lines to paste."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from infra.config.document import Document, Keys
from infra.config.faults import Fault, paste
from infra.config.ports import spare_port

_LONGEST = 80
_CAUSES = {
    "dict_type": "it should be a mapping of names to settings",
    "model_type": "it should be a mapping of names to settings",
    "tuple_type": "it should be a list",
    "int_type": "it should be a whole number",
    "string_type": "it should be a text",
    "string_too_short": "it should not be empty",
    "too_short": "it should have at least one entry",
}


@dataclass(frozen=True, slots=True)
class _Refused:
    """One value that the models refuse, and where it was written."""

    document: Document
    root: type[BaseModel]
    error: ErrorDetails
    loc: Keys
    """As the models call it."""
    keys: Keys
    """As it was written: the short form of a setting has no key of its own for what it holds."""

    @property
    def name(self) -> str:
        """What a person calls it."""
        last = self.keys[-1]
        return f"{self.keys[-2]}[{last}]" if isinstance(last, int) else str(last)

    @property
    def where(self) -> str:
        """File, line and key."""
        return self.document.where(self.keys)

    def fields(self) -> Mapping[str, FieldInfo]:
        """The settings that there are where it was written."""
        return _fields(_model_at(self.root, self.loc[:-1]))

    def context(self, key: str) -> Any:  # noqa: ANN401 - whatever a validator says
        """What the validator says beside its cause."""
        return self.error.get("ctx", {}).get(key)


def faults_in(error: ValidationError, root: type[BaseModel], document: Document) -> list[Fault]:
    """The faults that the models found."""
    return [_fault(each, root, document) for each in error.errors()]


def _fault(error: ErrorDetails, root: type[BaseModel], document: Document) -> Fault:
    loc: Keys = error["loc"]
    if loc[-1] == "[key]":  # it is the key itself that is wrong, not what it holds
        return _misnamed(_Refused(document, root, error, loc[:-1], loc[:-1]))
    keys = loc
    while len(keys) > 1 and not isinstance(document.at(keys[:-1]), Mapping | list):
        keys = keys[:-1]
    refused = _Refused(document, root, error, loc, keys)
    if error["type"] == "extra_forbidden":
        return _unknown(refused)
    if error["type"] == "missing":
        return Fault(f"{loc[-1]} is missing", refused.where, _cause(refused), _hint(refused))
    given = re.sub(r"//[^/@\s]*@", "//***@", repr(error["input"]))  # a password is not for every screen
    given = given if len(given) <= _LONGEST else given[:_LONGEST] + " ..."
    return Fault(f"{refused.name} is wrong: {given}", refused.where, _cause(refused), _hint(refused))


def _unknown(refused: _Refused) -> Fault:
    keys, document = refused.keys, refused.document
    known = sorted(name for name, field in refused.fields().items() if field.examples)
    beside = document.at(keys[:-1])
    near = difflib.get_close_matches(refused.name, [each for each in known if each not in beside], n=1)
    cause = f"known here are {', '.join(known)}" + (f"; did you mean {near[0]}?" if near else "")
    hint = paste(document, (*keys[:-1], near[0]), refused.error["input"]) if near else f"take {refused.name} out"
    return Fault(f"there is no setting {refused.name}", refused.where, cause, hint)


def _misnamed(refused: _Refused) -> Fault:
    beside = refused.document.at(refused.keys[:-1])
    choices = re.findall(r"'([^']+)'", str(refused.context("expected") or ""))
    better = next((each for each in choices if each not in beside), None) or refused.context("better")
    hint = f"call it {better}" if better else f"take {refused.name} out"
    return Fault(f"{refused.name!r} is no name for this", refused.where, _cause(refused), hint)


def _cause(refused: _Refused) -> str:
    kind = refused.error["type"]
    if kind == "missing":
        field = refused.fields().get(str(refused.loc[-1]))
        return (field.description if field is not None else None) or "it has no default"
    return _CAUSES.get(kind) or refused.error["msg"].replace("Input should", "it should", 1)


def _hint(refused: _Refused) -> str:
    better, keys, loc = refused.context("better"), refused.keys, refused.loc
    if better is None and isinstance(keys[-1], int):  # no guess for the entry: an example of the whole list
        keys = loc = keys[:-1]
    value = _example(refused, loc) if better is None else better
    return f"take {refused.name} out, or correct it" if value is None else paste(refused.document, keys, value)


def _example(refused: _Refused, loc: Keys) -> Any:  # noqa: ANN401 - whatever may be written
    field, given = _fields(_model_at(refused.root, loc[:-1])).get(str(loc[-1])), refused.error["input"]
    example = field.examples[0] if field is not None and field.examples else None
    if isinstance(example, int) and isinstance(given, str) and len(given) <= _LONGEST and given.strip().isdecimal():
        return int(given)
    return spare_port(refused.document.values) if loc[-1] == "port" else example


def _fields(model: type[BaseModel] | None) -> Mapping[str, FieldInfo]:
    """Settings by the name they are written by."""
    return {} if model is None else {field.alias or name: field for name, field in model.model_fields.items()}


def _model_at(root: type[BaseModel], keys: Keys) -> type[BaseModel] | None:
    """The model that the keys lead to, through mappings and lists."""
    model: Any = root
    for key in keys:
        field = _fields(model).get(str(key)) if _is_model(model) else None
        if field is not None:
            model = _inner(field.annotation)
        elif not isinstance(key, int) and key in _tags(model):
            model = _tags(model)[str(key)]
    return model if _is_model(model) else None


def _is_model(annotation: Any) -> bool:  # noqa: ANN401 - a type, in whatever form
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _inner(annotation: Any) -> Any:  # noqa: ANN401
    """The innermost type of a mapping, a list or an optional."""
    arguments = [each for each in getattr(annotation, "__args__", ()) if each not in {type(None), Ellipsis}]
    if isinstance(annotation, type) and not arguments:
        return annotation
    return _inner(arguments[-1]) if len(arguments) == 1 or get_origin(annotation) is dict else annotation


def _tags(union: Any) -> Mapping[str, type[BaseModel]]:  # noqa: ANN401
    models = [each for each in getattr(union, "__args__", ()) if _is_model(each)]
    return {str(each.model_fields["kind"].default): each for each in models if "kind" in each.model_fields}
