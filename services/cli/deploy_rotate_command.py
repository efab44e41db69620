"""`podcast deploy rotate`: a new value for a secret, and the steps that follow."""

from __future__ import annotations

from pathlib import Path

import click

from deploy.stack import rotation
from deploy.stack.deployment import Deployment
from services.cli import printing


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.argument("secret", metavar="SECRET", required=False)
@click.option("--finish", is_flag=True, help="Lock the user whose turn it was before: the last step.")
def rotate(folder: Path, secret: str | None, finish: bool) -> None:
    """Make a new value for SECRET, and say which steps follow; without SECRET, list those that can be rotated.

    Nothing changes in the swarm until `podcast deploy up`.
    """
    deployment = Deployment(folder.expanduser().resolve())
    deployment.variables()  # says how to make one, if there is none
    up = f"podcast deploy up {deployment.folder}"
    give = f"Give {deployment.secrets / (secret or '')} to whoever uses it outside of the stack."
    if secret is None:
        printing.say("\n".join(rotation.rotatable()))
    elif finish:
        rotation.finish(deployment, secret)
        _steps(f"{up}    (the previous user of {secret} cannot log in any more)")
    elif rotation.rotate(deployment, secret):
        _steps(
            f"{up}    (the new user can log in, and the services change to it)",
            give,
            f"podcast deploy rotate {deployment.folder} {secret} --finish",
            f"{up}    (the previous user cannot log in any more)",
        )
    else:
        _steps(f"{up}    (what reads it is updated; the old value is not valid any more)", give)


def _steps(*steps: str) -> None:
    for number, step in enumerate(steps, start=1):
        printing.note(f"{number}. {step}")
