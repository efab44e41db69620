"""`podcast backup` and `podcast restore`: the store, to a folder and back. Streamed; jobs may run meanwhile."""

from __future__ import annotations

from pathlib import Path

import click
from rich.filesize import decimal

from services.cli import interrupts, printing, targets
from services.cli.backends.reachable import reachable_store
from shared.client.backup import restoring, saving
from shared.errors import BadInput
from shared.settings import Settings

_folder = click.argument("folder", metavar="BACKUP", type=click.Path(path_type=Path, file_okay=False))


@click.command()
@_folder
@click.option("--allow-removal", is_flag=True, help="Even if most of the last backup is no longer in the store.")
@targets.on_a_stack
def backup(folder: Path, allow_removal: bool, directory: Path | None, as_json: bool) -> None:
    """Copy the store to the folder BACKUP, or bring the backup there up to date.

    Only what is new or changed is copied. Jobs may run meanwhile; what was deleted from the store is removed from the
    backup. The folder holds texts, audio and the secrets of webhooks.
    """
    settings = _settings(directory)

    async def work() -> saving.BackedUp:
        store = await reachable_store(settings)
        return await saving.save(store, folder, allow_removal=allow_removal)

    done = interrupts.run(work())
    if as_json:
        printing.say_json(
            {
                "objects": done.objects,
                "bytes": done.size_bytes,
                "copied": done.copied,
                "copied_bytes": done.copied_bytes,
                "removed": done.removed,
            },
            indent=None,
        )
        return
    printing.say(f"{_objects(done.objects)}, {decimal(done.size_bytes)}, in {folder}")
    printing.say(f"copied {done.copied} ({decimal(done.copied_bytes)}), removed {done.removed}")


@click.command()
@click.argument("folder", metavar="BACKUP", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--into-used", is_flag=True, help="Into a store that has jobs: add what is missing, replace nothing.")
@targets.on_a_stack
def restore(folder: Path, into_used: bool, directory: Path | None, as_json: bool) -> None:
    """Copy the last complete backup from the folder BACKUP into an empty store.

    Jobs that had not ended go on as soon as a coordinator runs. An interrupted restore is continued by the next one.
    """
    settings = _settings(directory)

    async def work() -> restoring.Restored:
        store = await reachable_store(settings)
        return await restoring.restore(folder, store, into_used=into_used)

    done = interrupts.run(work())
    if as_json:
        printing.say_json(
            {
                "objects": done.objects,
                "bytes": done.size_bytes,
                "kept": done.kept,
                "unfinished_jobs": done.unfinished,
                "damaged": done.damaged_count,
            },
            indent=None,
        )
    else:
        printing.say(f"restored {_objects(done.objects)}, {decimal(done.size_bytes)}; {done.kept} were there already")
        printing.say(f"{done.unfinished} job{'s' * (done.unfinished != 1)} not ended: a coordinator goes on with them")
    if done.damaged_count:
        raise BadInput(
            f"{_objects(done.damaged_count)} in the backup are damaged and were left out: {', '.join(done.damaged)}.",
            hint="Everything else is restored. A chunk's audio is spoken again when a job needs it.",
        )


def _settings(directory: Path | None) -> Settings:
    """Of the system whose store is meant.

    Raises:
        BadInput: only an HTTP API is named, which has no way to the whole store.
    """
    target = targets.named(directory, only_store=True)
    if target.api is not None:
        raise BadInput("A backup is made of a store, not over HTTP.", hint="Set PODCAST_STORE_URL.")
    return target.settings


def _objects(count: int) -> str:
    return f"{count:,} object{'s' * (count != 1)}"
