"""Modules that a later Python does not have any more: ``crossfade gate removed FROM TO FOLDER...``, as ``removed 3.9 3.12 src``.

It reads sources, of the project and of what is installed for it: a dependency that imports what is gone breaks as well. An import
within ``try`` whose failure is caught is told and does not count: whoever wrote it knew. Imports by a computed name are not seen.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates.answer import Answer, Place, listed
from smoke.gates.sources import gathered, parsed, sources, version

REMOVED: Mapping[str, str] = {
    **dict.fromkeys(("formatter", "parser", "symbol", "_bootlocale"), "3.10"),
    **dict.fromkeys(("binhex",), "3.11"),
    **dict.fromkeys(("asynchat", "asyncore", "distutils", "imp", "smtpd"), "3.12"),
    **dict.fromkeys(
        ("aifc", "audioop", "cgi", "cgitb", "chunk", "crypt", "imghdr", "lib2to3", "mailcap", "msilib", "nis", "nntplib"), "3.13"
    ),
    **dict.fromkeys(("ossaudiodev", "pipes", "sndhdr", "spwd", "sunau", "telnetlib", "uu", "xdrlib"), "3.13"),
}
"""The release that a module of the standard library is not in any more, by the documents of that release; from 3.9 on."""
_OURS = frozenset({"import_module", "__import__"})
_CAUGHT = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


@dataclass(frozen=True, slots=True)
class Use:
    """One import of what is gone."""

    file: str
    line: int
    module: str
    guarded: bool
    """It is tried, and its failure is caught."""

    def place(self) -> Place:
        """Where it is, and what is said of it."""
        how = " (tried, and caught)" if self.guarded else ""
        says = f"{self.module} is not in Python {REMOVED[self.module]} any more{how}"
        return Place(self.file, self.line, "removed-module", says, "note" if self.guarded else "error")


def gate(given: Sequence[str]) -> Answer:
    """Look through folders.

    Raises:
        UsageError: a version is none, or a folder is not there.
    """
    if len(given) < 3:  # noqa: PLR2004 - two versions and a folder
        raise UsageError("gate removed wants two versions and a folder", hint="crossfade gate removed 3.9 3.12 src .venv/lib")
    old, new, *folders = given
    gone = {name for name, since in REMOVED.items() if version(old) < version(since) <= version(new)}
    files = [file for folder in folders for file in sources(folder)]
    uses, unread = gathered(files, lambda source, file: found(source, file, gone))
    return _answer(uses, unread, len(files), f"{old} to {new}")


def found(source: bytes, file: str, gone: set[str]) -> Iterator[Use]:
    """Imports of these modules in a source.

    Raises:
        SyntaxError, ValueError: it is no Python.
    """
    tree = parsed(source)
    guarded = {
        id(node)
        for each in ast.walk(tree)
        if isinstance(each, ast.Try) and _catches(each)
        for line in each.body
        for node in ast.walk(line)
    }
    for node in ast.walk(tree):
        for name in _imported(node):
            module = name.partition(".")[0]
            if module in gone:
                yield Use(file, getattr(node, "lineno", 0), module, id(node) in guarded)


def _imported(node: ast.AST) -> Sequence[str]:
    if isinstance(node, ast.Import):
        return [each.name for each in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module] if node.module and not node.level else []
    if (
        isinstance(node, ast.Call)
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    ):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return [node.args[0].value] if called in _OURS else []
    return []


def _catches(tried: ast.Try) -> bool:
    names = [each.type for each in tried.handlers]
    flat = [one for each in names for one in (each.elts if isinstance(each, ast.Tuple) else [each])]
    return any(each is None or getattr(each, "id", "") in _CAUGHT for each in flat)


def _answer(uses: Sequence[Use], unread: Sequence[str], count: int, versions: str) -> Answer:
    real = [each for each in uses if not each.guarded]
    places = tuple(each.place() for each in uses)
    lines = (*(each.text() for each in places), *unread)
    if real:
        names = listed([f"{each.module} ({each.file}:{each.line})" for each in real])
        return Answer(
            Outcome.FAIL,
            f"{len(real)} imports of modules that are gone from {versions}: {names}",
            count,
            len(real),
            "==",
            0.0,
            (),
            lines,
            places,
        )
    if unread:
        return Answer(
            Outcome.UNDECIDED,
            f"{len(unread)} of {count} files cannot be read: {listed(unread)}",
            count - len(unread),
            lines=lines,
            places=places,
        )
    caught = f", {len(uses)} that are tried and caught" if uses else ""
    detail = f"no import of a module that is gone from {versions} in {count} files{caught}"
    return Answer(Outcome.PASS if count else Outcome.UNMEASURED, detail, count, 0.0, "==", 0.0, (), lines, places)
