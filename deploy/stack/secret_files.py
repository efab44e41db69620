"""The secrets of a deployment: made once, never overwritten; what follows from them is written again when they change.

Each is a file without a line end, readable by its owner alone. The users of the broker and the store have their
passwords in their addresses; a role has two users, whose turns it is alternately (`deploy/stack/rotation.py`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from deploy.broker.definitions import ACCOUNT_ROLES, document
from deploy.local.files import private_folder, read_private, write_private
from deploy.stack.addresses import AMQP_URL, STORE_URL, Address, again, amqp_url, store_url
from deploy.stack.broker_files import accounts
from deploy.stack.tls_files import complete_certificates
from deploy.store.policies import STORE_RIGHTS
from shared.client.api_keys import new_token

SERVICES: Final = ("chunker", "coordinator", "synthesizer", "assembler", "webhooks", "feeds", "gateway")
"""Those that use the broker and the store."""
NAMING_KEY: Final = "naming_key"
"""Keys the hashes in the secrets' names, so that nobody can try out weak secrets on them; it is deployed nowhere."""
PREVIOUS: Final = "previous"
"""The folder with the address of the user whose turn it was before, of roles that have been rotated."""
_PASSWORD_BYTES: Final = 24

Known = Mapping[str, str]
"""The secrets so far, by name."""


def password() -> str:
    """A new password; only letters and digits, so that it stands in an address as it is."""
    return secrets.token_hex(_PASSWORD_BYTES)


def _new_user(address: Address, role: str) -> Callable[[Known], str]:
    return lambda _: address(role, password())


MADE_ONCE: Final[dict[str, Callable[[Known], str]]] = {
    NAMING_KEY: lambda _: password(),
    "erlang_cookie": lambda _: password(),
    "minio_root_user": lambda _: "podcast",
    "minio_root_password": lambda _: password(),
    "gateway_key": lambda _: new_token(),
    **{f"{AMQP_URL}{role}": _new_user(amqp_url, role) for role in ACCOUNT_ROLES},
    **{f"{STORE_URL}{role}": _new_user(store_url, role) for role in STORE_RIGHTS},
    "grafana_admin_password": lambda _: password(),
}
"""Each is made when it is missing, in this order."""


def _definitions(known: Known, previous: Known) -> str:
    """All users: an import adds and changes, and takes away none, so a user that may no longer connect stays in it."""
    urls = [
        (name.removeprefix(AMQP_URL), url)
        for some in (known, previous)
        for name, url in some.items()
        if name.startswith(AMQP_URL)
    ]
    return document(accounts(urls))


def _store_admin(known: Known, previous: Known) -> str:
    del previous
    encrypted = "secure=false" not in known[f"{STORE_URL}operator"]
    return store_url(known["minio_root_user"], known["minio_root_password"], encrypted=encrypted)


DERIVED: Final[dict[str, Callable[[Known, Known], str]]] = {
    "rabbitmq_definitions": _definitions,
    f"{STORE_URL}admin": _store_admin,
}
"""Each follows from those above, and from those of the users whose turn it was before."""


def read_all(folder: Path) -> dict[str, str]:
    """The secrets in a folder, by name; none if there is no folder."""
    if not folder.is_dir():
        return {}
    return {
        path.name: text for path in sorted(folder.iterdir()) if path.is_file() and (text := read_private(path).rstrip())
    }


def complete(folder: Path, given: Known, *, ca: Path | None) -> tuple[dict[str, str], list[str], str]:
    """Make what is missing in the folder of secrets.

    Args:
        folder: it need not exist.
        given: secrets that somebody else has made; they replace what is there.
        ca: connections are encrypted, and this is the file with the certificate of the authority; None: they are not.

    Returns:
        All secrets by name, the names of those that were written, and the certificate of the authority.
    """
    private_folder(folder)
    known = read_all(folder)
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
    for name, url in [*known.items()]:
        put(name, again(name, url, encrypted=ca is not None))
    authority = complete_certificates(folder, ca, known, put) if ca is not None else ""
    previous = read_all(folder / PREVIOUS)
    for name, derive in DERIVED.items():
        put(name, derive(known, previous).rstrip())
    return known, list(dict.fromkeys(written)), authority
