"""The rows, in the order in which a migration goes through them. Pure."""

from dataclasses import dataclass
from enum import Enum

from smoke.evidence import PHASES


class How(Enum):
    """What answers a row."""

    GATE = "gate"
    """A gate of the settings that names it."""
    ROLLOUT = "rollout"
    """What a rollout of the release left in the journal."""
    BEFORE = "before"
    """All rows before it."""
    PERSON = "person"
    """A person alone: a gate may name it, and be attested."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the checklist."""

    number: int
    phase: str
    says: str
    how: How = How.GATE
    fact: str = ""
    """Of a rollout's journal, the fact that answers it."""


_PREPARE: tuple[tuple[str, How, str], ...] = (
    ("the state of the migration is known, and computed", How.ROLLOUT, "known"),
    ("no finding is as bad as may block", How.GATE, ""),
    ("the old interpreter is there, to the patch", How.GATE, ""),
    ("all dependencies are listed, for both runtimes", How.GATE, ""),
    ("known vulnerabilities are dealt with", How.GATE, ""),
    ("the code is compatible with the new runtime", How.GATE, ""),
    ("the new interpreter can be had", How.GATE, ""),
    ("the environment of before is backed up, and can be read back", How.GATE, ""),
    ("static analysis was done", How.GATE, ""),
    ("no removed module is imported, by dependencies neither", How.GATE, ""),
    ("no removed method of unittest is used", How.GATE, ""),
    ("old string formatting is counted", How.GATE, ""),
    ("types are checked on both runtimes", How.GATE, ""),
    ("the plan of dependency updates is written", How.GATE, ""),
    ("the report of the security audit is written", How.GATE, ""),
    ("breaking changes are written down", How.GATE, ""),
    ("the way back was rehearsed", How.ROLLOUT, "rehearsed"),
    ("the phases are in their order", How.ROLLOUT, "known"),
    ("the new interpreter is installed", How.GATE, ""),
    ("an environment of the new runtime is made from its lock", How.ROLLOUT, "placed"),
    ("build tools are pinned, and not upgraded in place", How.GATE, ""),
    ("all dependencies install, from wheels, with their hashes", How.GATE, ""),
    ("the project's own compatibility script passes", How.GATE, ""),
    ("the tests were run on both runtimes, and compared", How.GATE, ""),
    ("what was found has an owner", How.GATE, ""),
    ("the first phase is done", How.BEFORE, ""),
    ("the team was briefed", How.PERSON, ""),
)
_TEST: tuple[tuple[str, How, str], ...] = (
    ("every unit test passes, and coverage is as it should be", How.GATE, ""),
    ("the database can be used", How.GATE, ""),
    ("the exchange's interface can be used", How.GATE, ""),
    ("websockets connect, and connect again", How.GATE, ""),
    ("the agent starts, connects, works, and ends when asked", How.GATE, ""),
    ("the API starts and answers", How.GATE, ""),
    ("the dashboard's pages run without an exception", How.GATE, ""),
    ("the patterns of error recovery do what they say", How.GATE, ""),
    ("nothing became slower than allowed", How.GATE, ""),
    ("memory is as it was, or better", How.GATE, ""),
    ("it bears the load that it must", How.GATE, ""),
    ("the second phase is done", How.BEFORE, ""),
)
_IMAGES: tuple[tuple[str, How, str], ...] = (
    ("the agent's image is built for both runtimes", How.ROLLOUT, "imaged"),
    ("the API's image is built for both runtimes", How.ROLLOUT, "imaged"),
    ("the agent's image is named by its content", How.ROLLOUT, "imaged"),
    ("the API's image is named by its content", How.ROLLOUT, "imaged"),
    ("images have the right Python, import all they have, and end when asked", How.GATE, ""),
    ("the compose file has the new images", How.GATE, ""),
    ("the settings of the compose file are as they were", How.GATE, ""),
    ("the whole composition runs", How.GATE, ""),
    ("old and new composition run beside each other", How.GATE, ""),
    ("logs have no new kind of error", How.GATE, ""),
    ("every container is healthy", How.GATE, ""),
    ("CI tests both runtimes", How.GATE, ""),
    ("CI tests and deploys by the new way", How.GATE, ""),
    ("CI passed for this commit", How.GATE, ""),
    ("the third phase is done", How.BEFORE, ""),
)
_STAGING: tuple[tuple[str, How, str], ...] = (
    ("it is declared in staging", How.ROLLOUT, "placed"),
    ("it is deployed in staging", How.ROLLOUT, "placed"),
    ("the API of staging answers, as the new version", How.ROLLOUT, "proved"),
    ("the dashboard of staging answers", How.ROLLOUT, "proved"),
    ("the agent of staging works", How.ROLLOUT, "proved"),
    ("trades were watched for a day", How.GATE, ""),
    ("dashboards have data of the new version", How.GATE, ""),
    ("error logs were looked through", How.GATE, ""),
    ("metrics of performance were watched", How.GATE, ""),
    ("an alert was fired, and came", How.GATE, ""),
    ("it ran for two days under load", How.GATE, ""),
    ("memory does not grow", How.GATE, ""),
    ("no error is unexpected", How.GATE, ""),
    ("decisions of the trading logic are the same", How.GATE, ""),
    ("it is ready for production", How.BEFORE, ""),
)
_PRODUCTION: tuple[tuple[str, How, str], ...] = (
    ("tests and staging passed for this release", How.GATE, ""),
    ("the way back is known for these settings", How.ROLLOUT, "rehearsed"),
    ("the team knows", How.PERSON, ""),
    ("the hour is one at which it may go forward", How.ROLLOUT, "opened"),
    ("production is backed up, and the backup can be read back", How.GATE, ""),
    ("the new version is placed beside the old one", How.ROLLOUT, "placed"),
    ("the new version was asked before it had users", How.ROLLOUT, "proved"),
    ("the first share was watched", How.ROLLOUT, "watched"),
    ("traffic went over in steps", How.ROLLOUT, "stepped"),
    ("all traffic went over", How.ROLLOUT, "settled"),
    ("all services are healthy", How.ROLLOUT, "settled"),
    ("answers take as long as they did", How.ROLLOUT, "settled"),
    ("trades are made as they were", How.GATE, ""),
    ("errors did not become more", How.ROLLOUT, "settled"),
    ("dashboards work", How.ROLLOUT, "settled"),
)
_AFTER: tuple[tuple[str, How, str], ...] = (
    ("metrics were looked at every day of the first week", How.GATE, ""),
    ("error logs were looked at every day of the first week", How.GATE, ""),
    ("performance was looked at every day of the first week", How.GATE, ""),
    ("users were asked", How.PERSON, ""),
    ("no way back was needed", How.ROLLOUT, "settled"),
    ("documents say the new runtime", How.GATE, ""),
    ("the guide of the migration is written", How.GATE, ""),
    ("documents of the old runtime are archived", How.GATE, ""),
    ("success and lessons were told", How.PERSON, ""),
    ("environments of the old runtime are removed, after their time", How.ROLLOUT, "retired"),
    ("temporary files are removed", How.GATE, ""),
    ("images that nothing needs are removed", How.GATE, ""),
    ("dependencies are reviewed every month", How.GATE, ""),
    ("security is scanned by itself", How.GATE, ""),
    ("the next Python is planned", How.GATE, ""),
    ("how to update is written down", How.GATE, ""),
    ("going back stops nothing before users are elsewhere", How.ROLLOUT, "rehearsed"),
    ("going back begins the old version where it is not there", How.ROLLOUT, "rehearsed"),
    ("going back is seen to have worked", How.ROLLOUT, "rehearsed"),
    ("going back is told", How.GATE, ""),
    ("one can go back at any moment", How.ROLLOUT, "rehearsed"),
    ("alerts work after going back", How.GATE, ""),
    ("an incident is written down", How.ROLLOUT, "rehearsed"),
    ("the stack is back where it was", How.ROLLOUT, "rehearsed"),
    ("all tests pass on the new runtime", How.GATE, ""),
    ("nothing is slower by more than allowed", How.GATE, ""),
    ("vulnerabilities went down to what is allowed", How.GATE, ""),
    ("it was up for as long as promised", How.GATE, ""),
    ("the trading logic is unchanged", How.GATE, ""),
    ("no data was lost", How.GATE, ""),
    ("users see what they saw", How.GATE, ""),
    ("it costs what it did, or less", How.GATE, ""),
    ("the phases are shown with their state", How.ROLLOUT, "known"),
    ("every risk has a control", How.GATE, ""),
    ("who is told, and who may approve, is written", How.GATE, ""),
    ("claims are checks", How.GATE, ""),
)

_PARTS = (_PREPARE, _TEST, _IMAGES, _STAGING, _PRODUCTION, _AFTER)
_EVERY = [(phase, *each) for phase, part in zip(PHASES, _PARTS, strict=True) for each in part]
ROWS: tuple[Row, ...] = tuple(Row(number, *each) for number, each in enumerate(_EVERY, start=1))
"""Every row, from 1 on."""
