"""What Compose makes of a file and an override, for a Compose that is too old to do it: one file in the place of two."""

from collections.abc import Mapping
from typing import Any

from smoke.compose.text import Removed, Replaced


def merged(theirs: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    """Both in one: mappings are merged, lists appended, all else replaced; the tags replace and remove."""
    result = dict(theirs)
    for key, value in override.items():
        if isinstance(value, Removed):
            result.pop(key, None)
        elif isinstance(value, Mapping):
            result[key] = merged(long_form(key, result.get(key)), value)
        elif isinstance(value, list) and not isinstance(value, Replaced):
            result[key] = [*(result.get(key) or []), *value]
        else:
            result[key] = list(value) if isinstance(value, Replaced) else value
    return result


def long_form(key: str, value: Any) -> Mapping[str, Any]:  # noqa: ANN401 - whatever was written
    """Their value in the long form: a build may be written as its context, and arguments as a list."""
    if isinstance(value, str) and key == "build":
        return {"context": value}
    if isinstance(value, list):
        pairs = (str(each).partition("=") for each in value)
        return {name: text if equals else None for name, equals, text in pairs}
    return value if isinstance(value, Mapping) else {}
