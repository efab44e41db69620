"""The secrets of a deployment: made once, never overwritten; what follows from them is written again when they change.

Each is a file without a line end, readable by its owner alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from deploy.local.files import private_folder, read_private, write_private
from deploy.stack.broker_files import BROKER_USER, amqp_url, definitions
from shared.client.api_keys import new_token

SERVICES: Final = ("chunker", "coordinator", "synthesizer", "assembler", "webhooks", "gateway")
"""Those that use the broker and the store."""
BUCKET: Final = "podcast"
NAMING_KEY: Final = "naming_key"
"""Keys the hashes in the secrets' names, so that nobody can try out weak secrets on them; it is deployed nowhere."""
_PASSWORD_BYTES: Final = 24

Known = Mapping[str, str]
"""The secrets so far, by name."""


def password() -> str:
    """A new password; only letters and digits, so that it stands in an address as it is."""
    return secrets.token_hex(_PASSWORD_BYTES)


def _amqp_url(known: Known) -> str:
    return amqp_url(BROKER_USER, known["broker_password"])


def _store_url(known: Known) -> str:
    return f"s3://{known['minio_root_user']}:{known['minio_root_password']}@minio:9000/{BUCKET}?secure=false"


MADE_ONCE: Final[dict[str, Callable[[Known], str]]] = {
    NAMING_KEY: lambda _: password(),
    "broker_password": lambda _: password(),
    "erlang_cookie": lambda _: password(),
    "minio_root_user": lambda _: "podcast",
    "minio_root_password": lambda _: password(),
    "gateway_key": lambda _: new_token(),
    **{f"amqp_url_{service}": _amqp_url for service in SERVICES},
    **{f"store_url_{service}": _store_url for service in SERVICES},
}
"""Each is made when it is missing, in this order."""

DERIVED: Final[dict[str, Callable[[Known], str]]] = {
    "rabbitmq_definitions": lambda known: definitions(amqp_url(BROKER_USER, known["broker_password"])),
}
"""Each follows from those above."""


def complete(folder: Path, given: Known) -> tuple[dict[str, str], list[str]]:
    """Make what is missing in the folder of secrets.

    Args:
        folder: it need not exist.
        given: secrets that somebody else has made; they replace what is there.

    Returns:
        All secrets by name, and the names of those that were written.
    """
    private_folder(folder)
    known = {
        path.name: text for path in sorted(folder.iterdir()) if path.is_file() and (text := read_private(path).rstrip())
    }
    written = []

    def put(name: str, text: str) -> None:
        if known.get(name) != text:
            write_private(folder / name, text)
            known[name] = text
            written.append(name)

    for name, text in given.items():
        put(name, text)
    for name, make in MADE_ONCE.items():
        if name not in known:
            put(name, make(known))
    for name, make in DERIVED.items():
        put(name, make(known))
    return known, written
