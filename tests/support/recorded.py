"""Journals of whole rollouts, made by the real driver in a simulated stack; and a strict reader of pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

from simulation import Simulation

from smoke.rollout import Event, Request, from_record

VOID = frozenset({"meta"})
LOADS = frozenset({"src", "href", "srcset", "action", "data", "poster", "background", "xlink:href"})


def events_of(simulation: Simulation) -> list[Event]:
    """What its journal has."""
    return [from_record(record) for record in simulation.journal.records(simulation.opened.rollout)]


def promoted() -> list[Event]:
    """A good candidate, from nothing to the end."""
    simulation = Simulation()
    simulation.run()
    return events_of(simulation)


def at_share(simulation: Simulation, share: int, act: Callable[[], object], after: float = 2.0) -> None:
    """Act once the candidate has had that much traffic for so long."""
    since: list[float] = []

    def listen(now: float) -> None:
        if simulation.router.weights.get("green") == share and len(since) < 2:
            since[1:] = [now] if since and now - since[0] >= after else []
            since[:] = since or [now]
            if len(since) == 2:
                act()

    simulation.clock.on_sleep(listen)


def failed(share: int = 50, errors: float = 0.2) -> list[Event]:
    """A candidate whose requests begin to fail once it has had this share for two seconds."""
    simulation = Simulation()
    at_share(simulation, share, lambda: setattr(simulation.sides["green"], "errors", errors))
    simulation.run()
    return events_of(simulation)


def aborted(by: str, why: str = "", share: int = 5) -> list[Event]:
    """A good candidate that somebody took back at this share."""
    simulation = Simulation()
    request = Request("abort", by, why, simulation.clock.wall()).to_record()
    at_share(simulation, share, lambda: simulation.mailbox.post(simulation.opened.rollout, request))
    simulation.run()
    return events_of(simulation)


@dataclass
class Page(HTMLParser):
    """A page, read as strictly as no browser does."""

    elements: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    style: str = ""

    @classmethod
    def of(cls, text: str) -> "Page":
        """The page that a text is."""
        page = cls()
        super(Page, page).__init__(convert_charrefs=True)
        page.feed(text)
        page.close()
        page.wrong += [f"<{name}> is never closed" for name in page.open]
        return page

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.elements.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """It ends, and is the one that was opened last."""
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> closes something else")

    def handle_data(self, data: str) -> None:
        """What is read by people, and the style."""
        self.said.append(data)
        self.style += data if self.open[-1:] == ["style"] else ""

    @property
    def text(self) -> str:
        """Everything that is said."""
        return " ".join(" ".join(self.said).split())

    @property
    def faults(self) -> list[str]:
        """Whatever makes it no page of its own: what does not close, runs, or is loaded from elsewhere."""
        runs = [
            f"<{name}>"
            for name in self.elements
            if name in {"script", "iframe", "object", "embed", "link", "base", "form", "img"}
        ]
        loads = [f"{tag} {name}" for tag, name, _ in self.attributes if name in LOADS or name.startswith("on") or name == "style"]
        style = [word for word in ("url(", "@import", "expression") if word in self.style]
        return [*self.wrong, *runs, *loads, *style]
