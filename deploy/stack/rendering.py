"""`podcast deploy render`: docker-stack.yml and overlays, merged, with every variable filled in; no secret is in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from deploy.stack.deployment import Deployment, compose_files
from deploy.stack.docker import DockerFailed, docker
from deploy.stack.merged_file import MergedFile
from shared.errors import BadInput

_FILE: Final = re.compile(r"^(?P<indent> +)file: (?P<path>.+)$", re.MULTILINE)


def file_options(overlays: tuple[str, ...]) -> list[str]:
    """`-c FILE` for the stack file and each overlay."""
    return [word for path in compose_files(overlays) for word in ("-c", str(path))]


def merged(deployment: Deployment, overlays: tuple[str, ...]) -> MergedFile:
    """What `docker stack deploy` would deploy.

    Raises:
        BadInput: a variable is missing, or the files do not fit together; docker's message says what.
    """
    variables = deployment.variables()
    try:
        text = docker("stack", "config", *file_options(overlays), env=variables)
    except DockerFailed as error:
        raise BadInput(str(error), hint=f"`podcast deploy init {deployment.folder}` sets what is missing.") from error
    return MergedFile(text.replace("$", "$$"))  # deploying it fills in variables once more


def relocatable(deployment: Deployment, text: str, target: Path) -> str:
    """The merged file with the paths of secrets and configs relative to the folder of `target`."""

    def shortened_path(found: re.Match[str]) -> str:
        path = Path(found["path"].strip("\"'"))
        if not path.is_relative_to(deployment.folder):
            return found[0]
        up = "/".join([".."] * len(target.resolve().parent.relative_to(deployment.folder).parts)) or "."
        return f"{found['indent']}file: {up}/{path.relative_to(deployment.folder)}"

    if not target.resolve().is_relative_to(deployment.folder):
        return text
    return _FILE.sub(shortened_path, text)
