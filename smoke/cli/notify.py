"""``crossfade notify``: tell people something, and say who was told."""

import sys

import click

from smoke.cli.frame import check_settings, on_stack
from smoke.cli.main import print_document
from smoke.errors import Exit, UsageError
from smoke.notices import Notice, Notifier
from smoke.wiring import Site


@click.command("notify")
@click.argument("words", nargs=-1, required=True, metavar="MESSAGE...")
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
@on_stack
def command(site: Site, *, words: tuple[str, ...], as_json: bool) -> int:
    """Send MESSAGE to every place of the settings. Exit code 0 once somebody took it; 1 where nobody did."""
    places = check_settings(site)["notify"]
    if not places:
        hint = "crossfade:notify:\n  team: {url_file: ops/team.url, form: slack}"
        raise UsageError("nobody is named who could be told", where=str(site.project.settings(site.name)), hint=hint)
    deliveries = Notifier(places, site.project.folder, site.clock).send(Notice(site.name, " ".join(words), site.clock.wall()))
    if as_json:
        print_document({"stack": site.name, "places": {each.place: {"told": each.done, "why": each.why} for each in deliveries}})
    else:
        lines = [f"{each.place:<12} {'told' if each.done else f'not told: {each.why}'}\n" for each in deliveries]
        sys.stdout.writelines(lines)
    return Exit.WANTED if any(each.done for each in deliveries) else Exit.GATE
