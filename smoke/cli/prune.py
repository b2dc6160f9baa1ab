"""``crossfade prune``: images, environments and sources that nothing needs any more."""

import sys
from collections.abc import Iterator, Sequence

import click

from smoke.cli.frame import on_stack
from smoke.cli.main import print_document
from smoke.errors import CrossfadeError, Exit, Locked
from smoke.pruning import Outdated, needed, outdated, remove
from smoke.wiring import Site

_UNITS = ("B", "kB", "MB", "GB", "TB")


@click.command("prune")
@click.option("--yes", is_flag=True, help="Remove it; without this it is only shown.")
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
@on_stack
def command(site: Site, *, yes: bool, as_json: bool) -> int:
    """Show what this stack has on this machine that nothing needs any more; with --yes, remove it.

    Never what is placed in either slot, what a rollout since the last promotion goes back to, or what a container uses.
    """
    if not yes:
        return _shown(site, _found(site), as_json=as_json)
    with site.alone():
        holder = site.stack.busy()
        if holder is not None:
            raise Locked(f"another Pulumi works on stack {site.name}", cause=holder, hint="wait until it ends")
        found = _found(site)
        tried = [(each, _removed(each)) for each in found]
    failed = [error for _, error in tried if error is not None]
    sys.stderr.write("".join(f"{error}\n\n" for error in failed))
    gone = [each for each, error in tried if error is None]
    return _shown(site, gone, as_json=as_json, failed=failed, removed=True)


def _found(site: Site) -> list[Outdated]:
    home = site.project.folder / ".crossfade" / site.name
    return outdated(home, site.contract, needed(site.contract, site.history()))


def _removed(each: Outdated) -> CrossfadeError | None:
    """Remove it; what is in the way is told once all else is done."""
    try:
        remove(each)
    except CrossfadeError as error:
        return error
    return None


def _shown(
    site: Site, found: Sequence[Outdated], *, as_json: bool, failed: Sequence[CrossfadeError] = (), removed: bool = False
) -> int:
    notes = [*pushed(found)]
    if as_json:
        done = {"removed": removed, "failed": [str(error) for error in failed], "notes": notes}
        total = sum(each.size for each in found)
        print_document({"stack": site.name, "outdated": [each.to_json() for each in found], "bytes": total, **done})
    else:
        sys.stdout.write("".join(f"{line}\n" for line in lines(found, removed=removed)))
        sys.stderr.write("".join(f"note: {note}\n" for note in notes))
    return Exit.DEPLOYMENT if failed else Exit.WANTED


def lines(found: Sequence[Outdated], *, removed: bool) -> Iterator[str]:
    """What people read: a line each, and what it comes to."""
    for each in found:
        name = ", ".join(each.tags) or each.name
        yield f"{each.kind:<12} {amount(each.size):>9}  {name}"
    total = amount(sum(each.size for each in found))
    if not found:
        yield "nothing is outdated"
    elif removed:
        yield f"{len(found)} removed: {total} at most"
    else:
        yield f"{len(found)} outdated: {total} at most; crossfade prune --yes removes them"


def amount(size: int) -> str:
    """Bytes as people say them."""
    value, unit = float(size), 0
    while value >= 1000 and unit < len(_UNITS) - 1:  # noqa: PLR2004 - a thousand
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def pushed(found: Sequence[Outdated]) -> Iterator[str]:
    """What a registry keeps, and the command that removes it there."""
    for tag in (tag for each in found for tag in each.tags if not tag.startswith("crossfade/")):
        name, _, version = tag.rpartition(":")
        host, _, repository = name.partition("/")
        if ".dkr.ecr." in host:
            yield f"{host} keeps it: aws ecr batch-delete-image --repository-name {repository} --image-ids imageTag={version}"
        else:
            yield f"{host} keeps it: regctl tag delete {tag}"
