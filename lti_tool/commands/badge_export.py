"""`milepost badge export-static`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from badges.export import export_static
from core.runtime import Runtime
from keys.shared import ring_of
from lti_tool.commands.common import (
    RefusedError,
    json_option,
    needs_runtime,
    plain_texts,
    show,
)

EVERY = 1000


@click.command("export-static")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--language", default="en", show_default=True, help="The language of the pages.")
@click.option(
    "--certificates/--no-certificates",
    default=True,
    show_default=True,
    help="Draw each badge's PDF to print, too: some twelve a second.",
)
@json_option
@needs_runtime
def export(
    runtime: Runtime, folder: Path, language: str, certificates: bool, as_json: bool
) -> None:
    """Write DIR: all that strangers need to verify badges from any web host, without us.

    DIR is written beside and then put in place as a whole; it must be missing, empty, or an
    earlier export. Badges that their holders keep private are not in it.
    """
    try:
        with plain_texts():
            summary = export_static(
                runtime,
                ring_of(runtime),
                folder,
                language=language,
                certificates=certificates,
                progress=_progress,
            )
    except OSError as exc:
        raise RefusedError(
            f"{exc.filename or folder} cannot be written: {exc.strerror or exc}."
            " An earlier export is as it was."
        ) from None
    if as_json:
        show([asdict(summary)], True, [])
        return
    click.echo(
        f"{summary.folder} holds {summary.credentials} published badges,"
        f" {summary.achievements} achievements, {summary.status_lists} status lists and"
        f" {summary.keys} keys of {summary.issuers} issuers: {summary.files} files,"
        f" {summary.bytes / 1_000_000:.1f} MB, {summary.changed} of them new or changed."
    )
    click.echo(f"Put it at the root of {summary.origin}; see {summary.folder}/hosting/README.txt.")


def _progress(done: int, total: int) -> None:
    """On standard error: a running line for people, a line now and then for logs."""
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        click.echo(f"\r{done} of {total} badges", nl=False, err=True)
        click.echo(end, nl=False, err=True)
    elif done % EVERY == 0:
        click.echo(f"{done} of {total} badges", err=True)
