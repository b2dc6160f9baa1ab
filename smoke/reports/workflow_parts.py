"""What workflows of GitHub Actions have in common: their text, the steps that every job begins with. Pure.

Whatever is not ours gets into a script by ``env`` alone, and is quoted there: a shell never reads it as words of its own.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

Step = Mapping[str, Any]
CHECKOUT: Final = "actions/checkout@v6"
PYTHON: Final = "actions/setup-python@v6"
UV: Final = "astral-sh/setup-uv@v7"
PULUMI: Final = "pulumi/actions@v6"
UPLOAD: Final = "actions/upload-artifact@v6"
PINNED: Final = ("Actions are named by their major version. A commit's hash in its place is better: nobody can move that.",)
ON_THE_HOST: Final = "ubuntu-latest"
ON_YOUR_OWN: Final = ("self-hosted", "linux")
_READY: Final = "${{ !cancelled() && steps.ready.outcome == 'success' }}"
"""Crossfade is there, whatever a step before this one said."""
_FOLDER: Final = "${{ github.workspace }}"
_WIDEST: Final = 10_000
"""Of a line: no text is folded."""


class _Dumper(yaml.SafeDumper):
    """Writes no anchors, scripts as they are typed, and lists a step below their key: people read it."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - the library's own signature
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002 - dito
        super().increase_indent(flow, indentless=False)


def _script(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


def _nothing(dumper: yaml.SafeDumper, _: None) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:null", "")


_Dumper.add_representer(str, _script)
_Dumper.add_representer(type(None), _nothing)


def text_of(workflow: Mapping[str, Any], notes: Sequence[str]) -> str:
    """The file, with lines of comment first."""
    parts = [
        yaml.dump({name: each}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDEST)
        for name, each in workflow.items()
    ]
    return "\n".join(["".join(f"# {note}\n" for note in (*notes, *PINNED)), *parts])


def unpinned(there: str, wanted: str) -> str:
    """A file with the major version, as it is wanted, in the place of a commit's hash: that is better, and no difference."""
    versions = dict(re.findall(r"uses: (\S+)@(\S+)", wanted))
    return re.sub(
        r"uses: (\S+)@[0-9a-f]{40}(?: +#.*)?$",
        lambda found: f"uses: {found[1]}@{versions[found[1]]}" if found[1] in versions else found[0],
        there,
        flags=re.MULTILINE,
    )


def lines(*each: str) -> str:
    """A script."""
    return "".join(f"{line}\n" for line in each)


def checkout(*, clean: bool = True) -> Step:
    """The project, without the key that it was got by; where it is not ``clean``, what a run left beside it stays."""
    kept = {} if clean else {"clean": False}
    return {"name": "The project", "uses": CHECKOUT, "with": {"persist-credentials": False, **kept}}


def pythons(versions: Sequence[str]) -> Step:
    """Interpreters, the last being the one that is found first."""
    return {"name": "The runtimes", "uses": PYTHON, "with": {"python-version": "\n".join(versions)}}


def uv() -> Step:
    """What makes environments."""
    return {"name": "uv", "uses": UV}


def pulumi() -> Step:
    """What declares both slots."""
    return {"name": "Pulumi", "uses": PULUMI}


def crossfade() -> Step:
    """Crossfade, from the project's own lock."""
    return {"name": "Crossfade", "run": lines("uv sync --frozen --all-extras", 'echo "$PWD/.venv/bin" >> "$GITHUB_PATH"')}


def asking(name: str, command: str) -> Step:
    """Some gates: asked whatever those before said. One that wants a slot which is not there has measured nothing."""
    return {"name": name, "if": _READY, "run": command}


def fresh(versions: Sequence[str]) -> Sequence[Step]:
    """First steps on a machine of the code host, which is thrown away afterwards."""
    return [checkout(), pythons(versions), uv(), {**crossfade(), "id": "ready"}]


def ground(stack: str, target: str) -> Mapping[str, Any]:
    """Where gates of a stack are asked, and by what environment.

    One of this machine is brought up for it on the code host's; an engine or a cluster is reached from a runner of your own.
    """
    if target == "local":
        return {"runs-on": ON_THE_HOST, "env": {"STACK": stack, "PULUMI_BACKEND_URL": f"file://{_FOLDER}/.state?create_dir=true"}}
    return {"runs-on": [*ON_YOUR_OWN], "env": {"STACK": stack, "PULUMI_BACKEND_URL": "${{ vars.PULUMI_BACKEND_URL }}"}}


def began(target: str, versions: Sequence[str]) -> Sequence[Step]:
    """First steps there: the interpreters and slots that gates ask for are on the machine afterwards, or were before."""
    if target == "local":
        return [*fresh(versions), pulumi(), _brought_up()]
    return [checkout(clean=False), uv(), pulumi(), {**crossfade(), "id": "ready"}]


def _brought_up() -> Step:
    return {
        "name": "Both slots, on this machine alone",
        "env": {"PULUMI_CONFIG_PASSPHRASE": "${{ secrets.PULUMI_CONFIG_PASSPHRASE }}"},
        "run": lines(
            'pulumi stack select --create "$STACK" --non-interactive', 'pulumi up --stack "$STACK" --yes --skip-preview'
        ),
    }


def stand(name: str) -> Sequence[Step]:
    """How the gates stand in the end: in the job's summary, and with what they wrote as an artefact."""
    shown = ("echo '```'", 'crossfade check --stack "$STACK" --show || true', "echo '```'")
    kept = {"name": name, "path": ".state/.crossfade/*/*/evidence", "include-hidden-files": True, "if-no-files-found": "ignore"}
    return (
        {"name": "How the gates stand", "if": _READY, "run": lines("{", *shown, '} >> "$GITHUB_STEP_SUMMARY"')},
        {"name": "The evidence", "if": _READY, "uses": UPLOAD, "with": kept},
    )
