"""The workflow that deploys: both slots, the gates, the promotion, and what its exit code means for users. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from smoke.errors import Exit
from smoke.reports.workflow_parts import ON_YOUR_OWN, UPLOAD, Step, checkout, crossfade, lines, pulumi, uv

SAID: Final[Mapping[Exit, tuple[str, str]]] = {
    Exit.WANTED: ("notice", "promoted: users are on the version that the settings ask for"),
    Exit.ROLLED_BACK: ("warning", "went back: users are safe on the old version; the incident says why"),
    Exit.ROLLBACK_FAILED: ("error", "A PERSON IS NEEDED NOW: going back did not work; crossfade status, then crossfade abort"),
    Exit.UNDECIDED: ("warning", "undecided: too little data, and no data is never a pass"),
    Exit.LOCKED: ("warning", "locked: another run holds the stack, and this one changed nothing"),
    Exit.POLICY: ("warning", "not begun: a gate, a window or an approval is missing, and nothing was changed"),
}
"""Of an exit code of ``crossfade promote``, the kind of its annotation, and the sentence; of any other ``explain`` says it."""
BEFORE: Final = ("prepare", "test", "images", "staging", "production")
"""Phases of what is asked before a promotion: what is asked after it cannot be known yet."""
_WENT_BACK = " || ".join(f"steps.promote.outputs.code == '{code:d}'" for code in (Exit.ROLLED_BACK, Exit.ROLLBACK_FAILED))
_SUMMARY = '>> "$GITHUB_STEP_SUMMARY"'
_OUTLIVES = "unset RUNNER_TRACKING_ID  # else the runner ends, after the job, every process that was begun in it"
_ROLLOUT = (
    "import json, sys; told = json.load(open(sys.argv[1])); "
    "print(told.get('rollout') or told.get('error', {}).get('where') or '')"
)


def deployment(stack: str, stacks: Sequence[str], minutes: int) -> Mapping[str, Any]:
    """The workflow; ``stack`` is the one that is offered first, and ``minutes`` what it may take."""
    asked = {"description": "The stack to deploy", "type": "choice", "required": True, "default": stack, "options": [*stacks]}
    return {
        "name": "crossfade deploy",
        "on": {"workflow_dispatch": {"inputs": {"stack": asked}}},
        "permissions": {"contents": "read"},
        # Whoever is cancelled in the middle leaves a rollout behind.
        "concurrency": {"group": "crossfade-deploy-${{ inputs.stack }}", "cancel-in-progress": False},
        "jobs": {"deploy": _deploy(minutes)},
    }


def _deploy(minutes: int) -> Mapping[str, Any]:
    return {
        "name": "deploy",
        "runs-on": [*ON_YOUR_OWN],
        "timeout-minutes": minutes,
        "environment": "${{ inputs.stack }}",
        "env": {
            "STACK": "${{ inputs.stack }}",
            "PULUMI_BACKEND_URL": "${{ vars.PULUMI_BACKEND_URL }}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": "${{ vars.PULUMI_CONFIG_PASSPHRASE_FILE || '/dev/null' }}",
        },
        "steps": [
            _stated(),
            checkout(clean=False),
            uv(),
            pulumi(),
            crossfade(),
            _up(),
            _gates(),
            _promoted(),
            *_incident(),
            _begun(),
        ],
    }


def _stated() -> Step:
    what = "the variable PULUMI_BACKEND_URL of this environment is to say where the state is: in the checkout it might go"
    script = lines('if [ -z "$PULUMI_BACKEND_URL" ]; then', f'  echo "::error::{what}"', f"  exit {Exit.USAGE:d}", "fi")
    return {"name": "Where the state is", "run": script}


def _up() -> Step:
    return {"name": "Both slots; no traffic moves", "run": lines(_OUTLIVES, 'pulumi up --stack "$STACK" --yes')}


def _gates() -> Step:
    phases = " ".join(f"--phase {phase}" for phase in BEFORE)
    return {"name": "Gates", "run": f'crossfade check --stack "$STACK" {phases}'}


def _promoted() -> Step:
    """The promotion: a job's conclusion is a success with 0 alone, and its summary says what users have."""
    cases = [f"  {code:d}) level={level}; said='{said}' ;;" for code, (level, said) in SAID.items()]
    return {
        "name": "Promote",
        "id": "promote",
        "run": lines(
            _OUTLIVES,
            "code=0",
            'crossfade promote --stack "$STACK" --json > "$RUNNER_TEMP/promoted.json" || code=$?',
            'echo "code=$code" >> "$GITHUB_OUTPUT"',
            'case "$code" in',
            *cases,
            '  *) level=error; said="$(crossfade explain "$code" | head -n 1 || true)" ;;',
            "esac",
            f'echo "**$STACK**: $said (exit code $code)" {_SUMMARY}',
            'echo "::$level title=crossfade promote::$STACK: $said (exit code $code)"',
            'exit "$code"',
        ),
    }


def _incident() -> Sequence[Step]:
    """Of a way back its incident, which has no secret in it; where the candidate had no traffic there is none."""
    went_back = f"${{{{ !cancelled() && ({_WENT_BACK}) }}}}"
    script = lines(
        f'rollout="$(python -c "{_ROLLOUT}" "$RUNNER_TEMP/promoted.json")"',
        'mkdir -p "$RUNNER_TEMP/incident"',
        'if crossfade incident --stack "$STACK" "$rollout" > "$RUNNER_TEMP/incident.md"; then',
        '  cp "$RUNNER_TEMP/incident.md" "$RUNNER_TEMP/incident/incident.md"',
        '  crossfade incident --stack "$STACK" --html "$rollout" > "$RUNNER_TEMP/incident/incident.html"',
        f'  cat "$RUNNER_TEMP/incident.md" {_SUMMARY}',
        "else",
        f'  echo "No incident is known: the candidate had no traffic, or the log says why." {_SUMMARY}',
        "fi",
    )
    kept = {"name": "incident", "path": "${{ runner.temp }}/incident", "if-no-files-found": "ignore"}
    return (
        {"name": "The incident", "if": went_back, "run": script},
        {"name": "The incident's files", "if": went_back, "uses": UPLOAD, "with": kept},
    )


def _begun() -> Step:
    said = "nothing was promoted: a step before that failed, no traffic was moved, and users have what they had"
    return {
        "name": "Nothing was promoted",
        "if": "${{ failure() && steps.promote.outputs.code == '' }}",
        "run": f'echo "**$STACK**: {said}" {_SUMMARY}',
    }
