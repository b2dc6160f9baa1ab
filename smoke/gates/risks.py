"""What runs on both runtimes and may do something else: ``crossfade gate risks MOST FROM TO FOLDER...``, as ``0 3.9 3.12 src``.

No checker of types sees these. Each is a hint by the look of a line, told with what shows it: a replay of recorded inputs, a peer
that is slow, a program that is asked to end. More than MOST of them fail; a line that ends with ``# crossfade: seen`` was seen.
"""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates.answer import Answer, Place, listed
from smoke.gates.sources import SEEN, gathered, parsed, sources, version


@dataclass(frozen=True, slots=True)
class Module:
    """A source, as far as a hint has to know it."""

    tree: ast.Module
    words: frozenset[str] = field(default_factory=frozenset)
    """Last names of everything that is called, as ``register`` of ``atexit.register(...)``."""


@dataclass(frozen=True, slots=True)
class Risk:
    """Something that came out otherwise from a version of Python on."""

    since: str
    says: str
    looks: Callable[[ast.AST, Module], bool]
    """Whether a node of the tree may be such a thing."""


def _name(node: ast.AST | None) -> str:
    """``socket.timeout`` of the expression with that name; empty where it has none."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        below = _name(node.value)
        return f"{below}.{node.attr}" if below else node.attr
    return ""


def _last(node: ast.AST | None) -> str:
    return _name(node).rpartition(".")[2]


def _called(*names: str) -> Callable[[ast.AST, Module], bool]:
    """Calls of these, by their last name, or by all of it where there is a dot."""

    def looks(node: ast.AST, _: Module) -> bool:
        return isinstance(node, ast.Call) and any(_name(node.func) == each or _last(node.func) == each for each in names)

    return looks


def _mixed_enum(node: ast.AST, _: Module) -> bool:
    """A class that is an Enum and a number or a text, and does not say itself how it is written."""
    if not isinstance(node, ast.ClassDef):
        return False
    bases = {_last(base) for base in node.bases}
    mixed = bool(bases & {"IntEnum", "IntFlag"}) or ("Enum" in bases and bool(bases & {"str", "int", "float"}))
    own = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
    return mixed and not own & {"__str__", "__format__"}


_ALIASES = frozenset(
    {"asyncio.TimeoutError", "socket.timeout", "futures.TimeoutError", "concurrent.futures.TimeoutError", "cf.TimeoutError"}
)


def _caught(node: ast.AST) -> set[str]:
    """The names that a handler catches; of another node none."""
    if not isinstance(node, ast.ExceptHandler) or node.type is None:
        return set()
    return {_name(kind) for kind in (node.type.elts if isinstance(node.type, ast.Tuple) else [node.type])}


def _timeout_branch(node: ast.AST, _: Module) -> bool:
    """A handler that tells a timeout by one of the names that are ``TimeoutError`` now."""
    return bool(_caught(node) & _ALIASES)


def _network_branch(node: ast.AST, module: Module) -> bool:
    """A handler of network errors where something is waited for with a limit; one that names the timeout too meant it."""
    caught = _caught(node)
    waits = bool(module.words & {"wait_for", "settimeout", "result", "timeout"})
    return waits and not caught & _ALIASES and bool(caught & {"OSError", "IOError", "EnvironmentError", "TimeoutError"})


def _thread_at_exit(node: ast.AST, module: Module) -> bool:
    threads = module.words & {"Thread", "ThreadPoolExecutor", "submit", "to_thread"}
    return bool(threads) and isinstance(node, ast.Call) and _name(node.func) in {"atexit.register", "register"}


def _float_sum(node: ast.AST, _: Module) -> bool:
    if not (isinstance(node, ast.Call) and _name(node.func) == "sum"):
        return False
    below = [each for word in node.args for each in ast.walk(word)]
    return any(isinstance(each, ast.Div) or (isinstance(each, ast.Constant) and isinstance(each.value, float)) for each in below)


def _fork(node: ast.AST, module: Module) -> bool:
    return isinstance(node, ast.Call) and _name(node.func) == "os.fork" and "Thread" in module.words


def _caught_date(node: ast.AST, _: Module) -> bool:
    """A text that is told from a date by the error."""
    if not isinstance(node, ast.Try):
        return False
    return any(
        isinstance(each, ast.Call) and _last(each.func) == "fromisoformat" for line in node.body for each in ast.walk(line)
    )


def _decorated(node: ast.AST, _: Module) -> bool:
    return isinstance(node, ast.ClassDef) and "runtime_checkable" in {_last(each) for each in node.decorator_list}


def _open_archive(node: ast.AST, _: Module) -> bool:
    if not (isinstance(node, ast.Call) and _last(node.func) in {"extractall", "extract"}):
        return False
    return "filter" not in {each.arg for each in node.keywords}


def _loop_argument(node: ast.AST, _: Module) -> bool:
    return (
        isinstance(node, ast.Call) and _name(node.func).startswith("asyncio.") and "loop" in {each.arg for each in node.keywords}
    )


def _made_default(node: ast.AST, _: Module) -> bool:
    """A field of a dataclass whose default is made once, for all."""
    if not (isinstance(node, ast.ClassDef) and "dataclass" in {_last(_function(each)) for each in node.decorator_list}):
        return False
    defaults = [each.value for each in node.body if isinstance(each, ast.AnnAssign)]
    return any(isinstance(each, ast.Call) and _last(each.func) != "field" for each in defaults)


def _function(node: ast.expr) -> ast.expr:
    return node.func if isinstance(node, ast.Call) else node


def _computed_import(node: ast.AST, _: Module) -> bool:
    if not (isinstance(node, ast.Call) and node.args and _last(node.func) in {"import_module", "__import__"}):
        return False
    return not isinstance(node.args[0], ast.Constant)


RISKS: Mapping[str, Risk] = {
    "mixed-enum": Risk("3.11", "f-strings and format() write such an Enum otherwise: replay", _mixed_enum),
    "timeout-alias": Risk("3.10", "this timeout is the builtin TimeoutError now, an OSError: peer slow", _timeout_branch),
    "timeout-branch": Risk("3.10", "timeouts of asyncio, sockets and futures come here now: peer slow", _network_branch),
    "thread-at-exit": Risk("3.12", "no thread can be started any more when this runs: stop", _thread_at_exit),
    "naive-utc": Risk(
        "3.12", "this is deprecated, and what replaces it cannot be compared with it", _called("utcnow", "utcfromtimestamp")
    ),
    "tls-floor": Risk(
        "3.10", "this wants TLS 1.2 and stronger keys of every peer", _called("create_default_context", "SSLContext")
    ),
    "old-hash": Risk("3.10", "MD4 and other weak hashes are gone where OpenSSL 3 is", _called("hashlib.new")),
    "float-sum": Risk("3.12", "this adds floats up more exactly, so that the last digits are others: replay", _float_sum),
    "event-loop": Risk("3.12", "this warns where no loop runs, and fails from 3.14 on", _called("get_event_loop")),
    "fork-threads": Risk("3.12", "this warns, for a process with threads may hang", _fork),
    "wider-dates": Risk("3.11", "more texts are dates than before: replay", _caught_date),
    "checked-protocol": Risk("3.12", "isinstance() does not see what __getattr__ gives any more: replay", _decorated),
    "loop-argument": Risk("3.10", "this takes no loop any more: imports", _loop_argument),
    "made-default": Risk("3.11", "a default that has no hash is refused: imports", _made_default),
    "computed-import": Risk("3.12", "this may import a module that is gone: imports", _computed_import),
    "archive-filter": Risk("3.12", "this warns without a filter, and refuses files from 3.14 on", _open_archive),
}


def gate(given: Sequence[str]) -> Answer:
    """Look through folders.

    Raises:
        UsageError: a word makes no sense.
    """
    hint = "crossfade gate risks 0 3.9 3.12 src"
    if len(given) < 4 or not given[0].isdecimal():  # noqa: PLR2004 - see the hint
        raise UsageError("gate risks wants a number, two versions and a folder", hint=hint)
    most, old, new, *folders = given
    wanted = {name: each for name, each in RISKS.items() if version(old) < version(each.since) <= version(new)}
    files = [file for folder in folders for file in sources(folder)]
    places, unread = gathered(files, lambda source, file: found(source, file, wanted))
    return _answer(places, unread, len(files), int(most))


def found(source: bytes, file: str, wanted: Mapping[str, Risk]) -> Iterator[Place]:
    """Hints in a source, but for lines that somebody has seen.

    Raises:
        SyntaxError, ValueError: it is no Python.
    """
    tree = parsed(source)
    called = frozenset(_last(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call))
    module, lines = Module(tree, called), source.splitlines()
    for node in ast.walk(tree):
        number = getattr(node, "lineno", 0)
        if number and lines[number - 1].rstrip().endswith(f"# {SEEN}".encode()):
            continue
        for name, risk in wanted.items():
            if risk.looks(node, module):
                yield Place(file, number, name, f"since {risk.since} {risk.says} ({name})", "warning")


def _answer(places: Sequence[Place], unread: Sequence[str], count: int, most: int) -> Answer:
    lines = (*(each.text() for each in places), *unread)
    value = float(len(places))
    if len(places) > most:
        detail = f"{len(places)} lines that may do something else: {listed([each.text() for each in places])}"
        return Answer(Outcome.FAIL, detail, count, value, "<=", float(most), (), lines, tuple(places))
    if unread:
        return Answer(Outcome.UNDECIDED, f"{len(unread)} of {count} files cannot be read: {listed(unread)}", count, lines=lines)
    detail = f"{len(places)} lines that may do something else, in {count} files"
    outcome = Outcome.PASS if count else Outcome.UNMEASURED
    return Answer(outcome, detail, count, value, "<=", float(most), (), lines, tuple(places))
