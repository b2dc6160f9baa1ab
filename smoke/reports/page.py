"""One page of HTML, whole in itself: it forbids itself to load or to run anything, should something not be escaped. Pure."""

from smoke.reports.markup import raw, tag
from smoke.reports.style import STYLE

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(title: str, *body: object, foot: object) -> str:
    """The page."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("style", raw(STYLE)),
    )
    whole = tag("html", head, tag("body", tag("h1", title), *body, tag("footer", foot)), lang="en")
    return f"<!DOCTYPE html>\n{whole}\n"
