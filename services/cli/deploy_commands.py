"""`podcast deploy`: a deployment on Docker Swarm, thin over `docker stack`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from deploy.stack import rendering, running
from deploy.stack.deployment import Deployment
from deploy.stack.requirements import require_manager
from deploy.stack.service_reports import services
from services.cli import exits, printing
from services.cli.columns import Column, rows, terminal_width
from services.cli.deploy_init_command import init
from services.cli.deploy_rotate_command import rotate

_COLUMNS: Final = (
    Column("SERVICE", least=12),
    Column("RUNNING", right=True),
    Column("UPDATE"),
    Column("IMAGE", rest=True),
)
_RENDERED: Final = "rendered/stack.yml"

folder_argument = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
overlay_option = click.option(
    "--overlay",
    "overlays",
    multiple=True,
    metavar="NAME",
    help="Merge deploy/overlays/NAME.yml, or a .yml file of your own. May be repeated. Default: those given to `init`.",
)


@click.group()
def deploy() -> None:
    r"""Run the system on Docker Swarm.

    DIR is the folder of the deployment: secrets, configs, options. All of it is what `docker stack` reads by hand:

    \b
    set -a; . DIR/stack.env; docker stack deploy -c docker-stack.yml podcast
    """


deploy.add_command(init)
deploy.add_command(rotate)


def _opened(folder: Path, overlays: tuple[str, ...]) -> tuple[Deployment, tuple[str, ...], str]:
    """The deployment, its overlays and its name."""
    deployment = Deployment(folder.expanduser().resolve())
    variables = deployment.variables()
    stored = tuple(name for name in variables.get("PODCAST_OVERLAYS", "").split(",") if name)
    return deployment, overlays or stored, variables.get("PODCAST_STACK", "podcast")


@deploy.command()
@folder_argument
@overlay_option
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help=f"Where to; - is stdout. Default: DIR/{_RENDERED}."
)
def render(folder: Path, overlays: tuple[str, ...], output: Path | None) -> None:
    """Write the file that is deployed: merged, every variable filled in, no secret in it.

    It is for reading and for version control; `docker stack deploy -c FILE NAME` deploys it.
    """
    deployment, overlays, _ = _opened(folder, overlays)
    if output == Path("-"):
        printing.say(rendering.merged(deployment, overlays).text)
        return
    target = output or deployment.folder / _RENDERED
    target.parent.mkdir(parents=True, exist_ok=True)
    text = rendering.relocatable(deployment, rendering.merged(deployment, overlays).text, target)
    target.write_text(text, encoding="utf-8")
    printing.say(str(target))


@deploy.command()
@folder_argument
@overlay_option
@click.option(
    "--wait", "seconds", type=click.IntRange(0), default=600, show_default=True, help="Seconds to wait; 0: not at all."
)
@click.option(
    "--resolve-image",
    type=click.Choice(["always", "changed", "never"]),
    default="always",
    show_default=True,
    help="Whether to ask the registry for the images' digests.",
)
@click.option("--with-registry-auth", "registry_auth", is_flag=True, help="Let the nodes pull with your credentials.")
def up(folder: Path, overlays: tuple[str, ...], seconds: int, resolve_image: str, registry_auth: bool) -> None:
    """Deploy, or update what is deployed, and wait until every service is as it should be."""
    deployment, overlays, name = _opened(folder, overlays)
    running.up(
        deployment,
        overlays,
        seconds=seconds,
        say=printing.note,
        resolve_image=resolve_image,
        registry_auth=registry_auth,
    )
    port = deployment.variables().get("PODCAST_PORT", "8080")
    printing.note(f"The stack {name} is deployed. For clients:")
    printing.say(f"export PODCAST_API_URL=http://127.0.0.1:{port}")
    printing.say(f"export PODCAST_API_KEY_FILE={deployment.secrets / 'gateway_key'}")


@deploy.command()
@folder_argument
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(folder: Path, as_json: bool) -> None:
    """Show the services of the stack; the exit code is 1 if one is not as it should be."""
    _, _, name = _opened(folder, ())
    require_manager()
    reports = services(name)
    if as_json:
        printing.say_json([{**asdict(report), "settled": report.is_settled} for report in reports])
    elif not reports:
        printing.note(f"There is no stack {name}.")
    else:
        cells = [(each.name, f"{each.running}/{each.wanted}", each.update or "-", each.image) for each in reports]
        printing.say("\n".join(rows(_COLUMNS, cells, width=terminal_width())))
        for each in reports:
            if each.trouble:
                printing.note(f"{each.name}: {each.trouble}")
    if not reports or not all(each.is_settled for each in reports):
        raise click.exceptions.Exit(exits.JOB_FAILED)


@deploy.command()
@folder_argument
@click.option("--wait", "seconds", type=click.IntRange(1), default=300, show_default=True, help="Seconds to wait.")
def down(folder: Path, seconds: int) -> None:
    """Take the stack down. Its volumes stay, and so do the files in DIR."""
    _, _, name = _opened(folder, ())
    if running.down(name, seconds=seconds):
        printing.note(f"The stack {name} is down; its volumes are kept.")
    else:
        printing.note(f"There is no stack {name}.")
