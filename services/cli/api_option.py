"""`podcast --api URL`: the option of the whole command line that sends a command over HTTP, and the key for it.

The key never stands in the arguments, which other users of the machine can read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import click

from services.cli import own_stack
from shared.addresses import without_password
from shared.errors import Misconfigured
from shared.settings import Settings, load

Function = TypeVar("Function", bound=Callable[..., Any])

_URL: Final = "podcast.api_url"
_KEY_FILE: Final = "podcast.api_key_file"
_KEY_LIMIT_CHARACTERS: Final = 1_000


@dataclass(frozen=True)
class Api:
    """Where the HTTP API is.

    Attributes:
        url: its address, without a slash at the end.
        key: sent with every request; empty: none is.
        variable: what has named it, for messages.
    """

    url: str
    key: str = field(repr=False)
    variable: str


def options(command: Function) -> Function:
    """The options of the group."""
    for option in (
        click.option(
            "--api-key-file",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            expose_value=False,
            callback=_remember(_KEY_FILE),
            help="A file with the key for --api; else PODCAST_API_KEY.",
        ),
        click.option(
            "--api",
            metavar="URL",
            expose_value=False,
            callback=_remember(_URL),
            help="Work over the HTTP API at this address. Without it, the first of these decides: --dir,"
            " PODCAST_AMQP_URL with PODCAST_STORE_URL, PODCAST_API_URL, a running `podcast up`.",
        ),
    ):
        command = option(command)
    return command


def is_given(context: click.Context | None = None) -> bool:
    """Whether the command line has --api."""
    return _remembered(_URL, context) is not None


def given(settings: Settings) -> Api | None:
    """The API that the command line names; None if it names none.

    Raises:
        Misconfigured: the address or the key cannot be used.
    """
    url = _remembered(_URL)
    return None if url is None else _api(url, "--api", settings)


def of_the_environment() -> Api | None:
    """The API that PODCAST_API_URL names; None if it is not set.

    Raises:
        Misconfigured: the address or the key cannot be used.
    """
    settings = load()
    return _api(settings.api_url, "PODCAST_API_URL", settings) if settings.api_url else None


def _api(url: str, variable: str, settings: Settings) -> Api:
    shown = without_password(url)
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and not (parts.query or parts.fragment)
    except ValueError:
        is_usable = False
    if not is_usable:
        raise Misconfigured(f"{variable}: {shown} is no address of an API.", hint="Write it as http://HOST:PORT.")
    if parts.username or parts.password:
        raise Misconfigured(f"{variable}: the address has a login in it.", hint="Set PODCAST_API_KEY instead.")
    url = url.rstrip("/")
    return Api(url, _key(settings) or own_stack.key_for(settings, url), variable)


def _key(settings: Settings) -> str:
    file: Path | None = _remembered(_KEY_FILE)
    key = settings.api_key
    if file is not None:
        try:
            with file.expanduser().open(encoding="utf-8") as opened:
                key = opened.read(_KEY_LIMIT_CHARACTERS)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise Misconfigured(f"The key in {file} cannot be read: {reason}.", hint="Name another file.") from error
        if not key.strip():
            raise Misconfigured(f"There is no key in {file}.", hint="`podcast keys add` makes one.")
    key = key.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise Misconfigured("The key has characters that no key has.", hint="A key is one word that begins with pe_.")
    return key


def _remember(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def callback(context: click.Context, _option: click.Parameter, value: Any) -> None:
        if value is not None:
            context.meta[name] = value

    return callback


def _remembered(name: str, context: click.Context | None = None) -> Any:
    context = context or click.get_current_context(silent=True)
    return None if context is None else context.meta.get(name)
