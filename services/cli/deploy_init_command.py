"""`podcast deploy init`: asks for what has no default, or takes it as options."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from deploy.stack import initialising, secret_files
from deploy.stack.deployment import Deployment, compose_files
from deploy.stack.env_file import read_env
from services.cli import printing
from shared.errors import BadInput

_OPTIONS: Final = {
    "tag": "PODCAST_TAG",
    "images": "PODCAST_IMAGES",
    "stack": "PODCAST_STACK",
    "port": "PODCAST_PORT",
    "synthesizers": "PODCAST_SYNTHESIZERS",
    "speech_url": "PODCAST_STACK_SPEECH_URL",
}
_ROLES: Final = secret_files.SERVICES
_GIVEN: Final[dict[str, tuple[str, ...]]] = {
    "amqp_url_file": tuple(f"amqp_url_{role}" for role in _ROLES),
    "store_url_file": tuple(f"store_url_{role}" for role in _ROLES),
    "speech_api_key_file": ("speech_api_key",),
    "traces_headers_file": ("traces_headers",),
}
_NEEDED: Final = {
    "external-broker": ("amqp_url_file", "the address of that server"),
    "external-store": ("store_url_file", "the address of that server"),
    "tracing-headers": ("traces_headers_file", "the headers for the collector"),
}
"""Overlay → the option that it needs, since only somebody else knows the secret, and what that is."""
_NAME_LIMIT: Final = 20
"""A Swarm config's or secret's name has 64 characters at most, of which this is the first part."""

_file = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--tag", help="The tag of the images; asked for, if it is given nowhere.")
@click.option("--images", metavar="PREFIX", help="What the images' names begin with: REGISTRY/podcast.")
@click.option("--stack", metavar="NAME", help="The name of the stack; podcast if it is never given.")
@click.option("--port", type=click.IntRange(1, 65_535), help="Where the gateway listens; 8080 if it is never given.")
@click.option("--synthesizers", type=click.IntRange(1, 1_000), help="How many synthesizers there are.")
@click.option("--speech-url", metavar="URL[,URL]", help="Speech servers outside of the stack (external-speech).")
@click.option("--amqp-url-file", type=_file, help="A file with the address of the broker (external-broker).")
@click.option("--store-url-file", type=_file, help="A file with the address of the store (external-store).")
@click.option("--speech-api-key-file", type=_file, help="A file with the key for the speech servers.")
@click.option("--traces-headers-file", type=_file, help="A file with headers for the collector (tracing-headers).")
@click.option(
    "--overlay",
    "overlays",
    multiple=True,
    metavar="NAME",
    help="An overlay that the deployment consists of, besides docker-stack.yml; may be repeated.",
)
def init(folder: Path, overlays: tuple[str, ...], **given: str | int | Path | None) -> None:
    """Make the folder of a deployment, or add what is missing in it.

    Secrets that exist are never replaced, except by a file that is given, and options that are not given stay as they
    are; so it can be repeated, with a new tag, say.
    """
    before = read_env(Deployment(folder.expanduser().resolve()).env_file)
    options = {variable: str(given[name]) for name, variable in _OPTIONS.items() if given[name] is not None}
    if overlays:
        compose_files(overlays)  # names one that is not there
        options["PODCAST_OVERLAYS"] = ",".join(overlays)
    if not (options.get("PODCAST_TAG") or before.get("PODCAST_TAG")):
        options["PODCAST_TAG"] = _asked_tag()
    if len(options.get("PODCAST_STACK", "")) > _NAME_LIMIT:
        raise BadInput(f"The stack's name is longer than {_NAME_LIMIT} characters.", hint="Give a shorter one.")
    secrets = {
        secret: _content(path)
        for option, names in _GIVEN.items()
        if isinstance(path := given[option], Path)
        for secret in names
    }
    _require_given(folder, overlays, secrets)
    done = initialising.initialise(folder, options, secrets)
    for name in done.written:
        printing.note(f"written: {name}")
    printing.note(
        f"`podcast deploy up {done.deployment.folder}` deploys it. The folder holds secrets: keep it, and to yourself."
    )


def _asked_tag() -> str:
    if not sys.stdin.isatty():
        raise BadInput("The tag of the images is not given.", hint="Give it: --tag TAG. There is no `latest`.")
    return str(click.prompt("The tag of the images", type=str, err=True)).strip()


def _content(path: Path) -> str:
    text = path.read_text(encoding="utf-8").strip()
    if not text or "\n" in text:
        raise BadInput(f"{path} has not exactly one line.", hint="It has the secret, and nothing else.")
    return text


def _require_given(folder: Path, overlays: tuple[str, ...], secrets: dict[str, str]) -> None:
    """What comes from another server's owner cannot be made up."""
    kept = Deployment(folder.expanduser().resolve()).secrets
    for overlay, (option, what) in _NEEDED.items():
        missing = [name for name in _GIVEN[option] if name not in secrets and not (kept / name).is_file()]
        if overlay in overlays and missing:
            flag = "--" + option.replace("_", "-")
            raise BadInput(
                f"The overlay {overlay} needs {what}.",
                hint=f"Give it with {flag} FILE, or as files {', '.join(missing)} in {kept}.",
            )
