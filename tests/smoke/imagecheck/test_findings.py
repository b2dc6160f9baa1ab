"""What is made of what an image says: every check, where it is well, where it is not, and where it cannot be seen."""

import json
from dataclasses import replace

import pytest

from smoke.imagecheck.findings import Ending, Finding, ImageReport, Insight, Module, Picture, Verdict, judged

WELL = Insight("3.12.1", 10001, (Module("api", None, None),), {"libc6": "2.36", "zlib1g": "1.2"}, "OpenSSL 3.0")
PICTURE = Picture("sha256:a", 150_000_000, healthcheck=True, insight=WELL, user="10001:10001")
OTHER = Picture("sha256:b", 140_500_000, healthcheck=True, insight=replace(WELL, python="3.9.18"), user="10001:10001")
ENDED = Ending(asked=True, status=0, seconds=0.25, lines=3, last=("bye",), whole=True)


def found(own: Picture = PICTURE, other: Picture | None = OTHER, ending: Ending = ENDED) -> dict[str, Finding]:
    """Every finding, by its check."""
    return {each.id.removeprefix("api/"): each for each in judged("api", "py312", own, other, ending)}


def seen(insight: Insight) -> Picture:
    """The image, whose Python says this."""
    return replace(PICTURE, insight=insight)


def importing(*modules: Module, before: tuple[Module, ...] = ()) -> Finding:
    """The finding on imports of an image with these modules, the other slot's having those."""
    return found(seen(replace(WELL, modules=modules)), seen(replace(WELL, modules=before)))["imports"]


def failed(name: str, of: str | None = "dist", missing: str | None = None, *, slow: bool = False) -> Module:
    """A module that cannot be imported."""
    return Module(name, of, "ImportError: no", missing, slow)


def test_an_image_that_is_well() -> None:
    """Every check passes, and each has its number, its limit and one sentence."""
    findings = found()

    assert {each.verdict for each in findings.values()} == {Verdict.PASS}
    assert list(findings) == ["python", "imports", "user", "healthcheck", "sigterm", "output", "packages", "size"]
    assert findings["python"].because == "its Python is 3.12.1, as py312 was asked for"
    assert findings["sigterm"].because == "it ended 0.2 s after SIGTERM with 0"
    assert findings["size"].because == "it has 150.0 MB, 9.5 MB more than the other slot's"


@pytest.mark.parametrize("python", ["3.9.18", "3.1.2", "3.120.1", "2.12.0"])
def test_another_python(python: str) -> None:
    """A Python that is not the runtime's fails, however alike its number looks."""
    finding = found(seen(replace(WELL, python=python)))["python"]

    assert (finding.verdict, finding.measured, finding.sign, finding.limit) == (Verdict.FAIL, python, "==", "3.12")


def test_root() -> None:
    """User 0 is refused, any other is not."""
    assert found(seen(replace(WELL, uid=0)))["user"].verdict is Verdict.FAIL
    assert found(seen(replace(WELL, uid=1)))["user"].verdict is Verdict.PASS


def test_no_health_check() -> None:
    """An image that nobody can see the health of is refused, with what to add."""
    finding = found(replace(PICTURE, healthcheck=False))["healthcheck"]

    assert (finding.verdict, finding.because) == (Verdict.FAIL, "it has no health check: add a HEALTHCHECK to its Dockerfile")


def test_a_module_that_cannot_be_imported() -> None:
    """A module of the program, or of what it was installed with, fails; it is named with its distribution and its error."""
    finding = importing(Module("fine", None, None), failed("api", None), failed("numpy", "numpy"))

    assert (finding.verdict, finding.measured, finding.limit) == (Verdict.FAIL, 2, 0)
    assert finding.details == ("api (the program itself): ImportError: no", "numpy (numpy): ImportError: no")
    assert finding.because == "3 modules were imported, 2 cannot be"


@pytest.mark.parametrize(
    "module",
    [
        failed("_speedups"),
        failed("tests", None),
        failed("conftest", None),
        failed("setup", None),
        failed("page", None, slow=True),
        failed("heavy", slow=True),
        failed("plugin", missing="pandas"),
        failed("wants_git", missing=""),
    ],
    ids=lambda module: module.name,
)
def test_a_module_that_may_fail(module: Module) -> None:
    """What is private, beside the program, slow, or can do without what it lacks is a warning."""
    finding = importing(module)

    assert (finding.verdict, finding.measured) == (Verdict.WARN, 0)
    assert finding.because == "1 modules were imported, 1 failed that may"


@pytest.mark.parametrize(
    "module",
    [failed("old", missing="imp"), failed("old", missing="distutils.util"), failed("old", missing="pkg_resources")],
    ids=lambda module: module.missing,
)
def test_a_module_that_python_once_had(module: Module) -> None:
    """Nobody can do without what an older Python had: whoever lacks it was not made for this one."""
    assert importing(module).verdict is Verdict.FAIL


def test_the_program_cannot_do_without() -> None:
    """A module of the program itself that lacks something fails: its lock forgot it."""
    assert importing(failed("api", None, missing="pandas")).verdict is Verdict.FAIL


def test_what_fails_in_the_other_slot_too() -> None:
    """What is no worse than what has traffic holds nothing up."""
    assert importing(failed("gone"), before=(failed("gone"),)).verdict is Verdict.WARN
    assert importing(failed("gone"), before=(Module("gone", "dist", None),)).verdict is Verdict.FAIL


def test_a_python_that_does_not_answer() -> None:
    """What could not be seen is undecided, and says why; the rest is told all the same."""
    findings = found(replace(PICTURE, insight=None, why="exec: python: not found"))

    assert findings["python"].verdict is Verdict.UNDECIDED
    assert findings["python"].because == "its Python did not answer: exec: python: not found"
    assert set(findings) == {"python", "healthcheck", "sigterm", "output", "packages", "size"}


@pytest.mark.parametrize(
    ("status", "verdict"), [(0, "pass"), (143, "pass"), (1, "fail"), (137, "fail"), (130, "fail"), (None, "fail")]
)
def test_how_it_ends(status: int | None, verdict: str) -> None:
    """It may end by itself or by the signal, in time; whoever is killed, or ends with an error, fails."""
    finding = found(ending=replace(ENDED, status=status))["sigterm"]

    assert (finding.verdict.value, finding.measured, finding.limit) == (verdict, status, [0, 143])


def test_it_ended_before_it_was_asked() -> None:
    """A container that cannot run without a network shows nothing of how it would end."""
    finding = found(ending=replace(ENDED, asked=False, status=3))["sigterm"]

    assert finding.verdict is Verdict.UNDECIDED
    assert finding.because == "it ended by itself, with 3, before it was asked: without a network it cannot run"


@pytest.mark.parametrize(("lines", "whole", "verdict"), [(3, True, "pass"), (3, False, "fail"), (0, True, "warn")])
def test_last_words(lines: int, verdict: str, *, whole: bool) -> None:
    """A last line that is cut off was lost; one that wrote nothing shows nothing."""
    assert found(ending=replace(ENDED, lines=lines, whole=whole))["output"].verdict.value == verdict


def test_packages_of_the_system() -> None:
    """What is added, removed and changed is counted and listed; another TLS library is called out."""
    mine = replace(WELL, packages={"libc6": "2.40", "zlib1g": "1.2", "new": "1"}, openssl="OpenSSL 3.5")
    theirs = replace(WELL, packages={"libc6": "2.36", "zlib1g": "1.2", "gone": "2"}, openssl="OpenSSL 1.1")

    finding = found(seen(mine), seen(theirs))["packages"]

    assert (finding.verdict, finding.measured) == (Verdict.WARN, {"added": 1, "removed": 1, "changed": 1})
    assert finding.details == ("added new 1", "removed gone 2", "changed libc6 2.36 to 2.40")
    assert finding.because.endswith("1 changed; Python's TLS is OpenSSL 3.5, and was OpenSSL 1.1")


def test_packages_that_cannot_be_listed() -> None:
    """A system that is no Debian is told of, and holds nothing up."""
    assert found(seen(replace(WELL, packages=None)))["packages"].verdict is Verdict.WARN


def test_nothing_to_compare_with() -> None:
    """Without another slot there is no comparison."""
    assert {"packages", "size"}.isdisjoint(found(other=None))


@pytest.mark.parametrize(
    ("verdicts", "worst"),
    [
        ((Verdict.PASS, Verdict.WARN), Verdict.PASS),
        ((Verdict.PASS, Verdict.UNDECIDED, Verdict.WARN), Verdict.UNDECIDED),
        ((Verdict.UNDECIDED, Verdict.FAIL), Verdict.FAIL),
        ((), Verdict.PASS),
    ],
)
def test_a_report_is_its_worst_finding(verdicts: tuple[Verdict, ...], worst: Verdict) -> None:
    """A failure outweighs what could not be seen, and a warning counts for nothing."""
    findings = tuple(Finding(f"api/{at}", each, 1, "", None, "so") for at, each in enumerate(verdicts))

    assert ImageReport("staging", "green", "blue", findings).verdict is worst


def test_a_report_is_a_document() -> None:
    """It begins with its format, and every finding is plain JSON."""
    document = dict(ImageReport("staging", "green", None, tuple(found().values())).to_json())

    assert next(iter(document.items())) == ("format", 1)
    assert json.loads(json.dumps(document)) == document
    assert set(document["findings"][0]) == {"id", "verdict", "measured", "sign", "limit", "because", "details"}


@pytest.mark.parametrize("user", ["", "root", "0", "0:0"])
def test_an_image_that_names_root_fails_whoever_it_ran_as(user: str) -> None:
    """The image's own user counts also where its container ran as another one: somebody else may run it as it is."""
    seen_as = found(replace(PICTURE, user=user))["user"]

    assert seen_as.verdict is Verdict.FAIL
    assert "names root" in seen_as.because
