"""HTML is right by construction."""

import re

from hypothesis import given, settings
from hypothesis import strategies as some
from recorded import Page

from smoke.reports.markup import Markup, table, tag, text, together

HOSTILE = "</p><script>alert(1)</script><img src=\"http://example.com/x\" onerror='x()'>&lt;&"
ANY = some.text(some.characters(codec="utf-8"), max_size=40)


@settings(deadline=None)
@given(said=ANY, title=ANY)
def test_any_text_is_only_text(said: str, title: str) -> None:
    """Whatever a text and an attribute are, one element comes of it, and the text is read as it was written, where it can be."""
    page = Page.of(tag("p", said, title=title))
    shown = "".join(each if each.isprintable() or each == "\n" else "?" for each in said)

    assert (page.faults, page.elements) == ([], ["p"])
    assert "".join(page.said) == shown
    assert [name for _, name, _ in page.attributes] == ["title"]


def test_what_is_hostile_is_escaped_everywhere() -> None:
    """In text, in an attribute, in a table and in its caption, nothing of it becomes an element."""
    page = Page.of(together(tag("p", HOSTILE, title=HOSTILE), table([HOSTILE], [[HOSTILE]], HOSTILE)))

    assert page.faults == []
    assert set(page.elements) == {"p", "div", "table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert page.text.count("<script>alert(1)</script>") == 4


def test_markup_that_was_joined_is_a_text() -> None:
    """Only what this module made passes as it is: joined with anything else it is escaped."""
    made = tag("b", "x")

    assert text(made) == "<b>x</b>"
    assert text(made + "<i>") == "&lt;b&gt;x&lt;/b&gt;&lt;i&gt;"
    assert text(f"{made}") == "&lt;b&gt;x&lt;/b&gt;"
    assert tag("p", title=Markup('"><script>')) == '<p title="&quot;&gt;&lt;script&gt;"></p>'


def test_what_turns_a_line_is_no_sign() -> None:
    """Signs that cannot be printed, or that turn the direction of a line, are question marks."""
    assert text("a\x00\x1b\u202eb\nc") == "a???b\nc"


def test_attributes_have_names_of_html() -> None:
    """A dash is written for an underscore, none at the end of a word that Python has too, and what is None is left out."""
    made = tag("line", x1=1.5, class_="mark bad", text_anchor=None, aria_label="a")

    assert re.findall(r" ([\w-]+)=", made) == ["x1", "class", "aria-label"]
    assert tag("meta", name="viewport") == '<meta name="viewport">'
