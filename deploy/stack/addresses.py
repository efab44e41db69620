"""The addresses of the stack's own broker and store, with the users in them; a role has two users, alternately."""

from __future__ import annotations

from typing import Final, Protocol
from urllib.parse import quote, unquote, urlsplit

from deploy.broker.tls import AMQPS_PORT

AMQP_URL: Final = "amqp_url_"
"""What the names of secrets with the broker's address begin with; a role follows."""
STORE_URL: Final = "store_url_"
"""The same for the store."""
BUCKET: Final = "podcast"


def amqp_url(user: str, password: str, *, encrypted: bool = False) -> str:
    """Where a user of the stack's broker connects."""
    scheme, port = ("amqps", AMQPS_PORT) if encrypted else ("amqp", 5672)
    return f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@rabbitmq:{port}/"


def store_url(user: str, password: str, *, encrypted: bool = False) -> str:
    """Where a user of the stack's store connects."""
    how = "" if encrypted else "?secure=false"
    return f"s3://{quote(user, safe='')}:{quote(password, safe='')}@minio:9000/{BUCKET}{how}"


class Address(Protocol):
    """Makes an address of a user and a password."""

    def __call__(self, user: str, password: str, *, encrypted: bool = False) -> str:
        """The address."""
        ...


ADDRESSES: Final[dict[str, Address]] = {AMQP_URL: amqp_url, STORE_URL: store_url}
"""What the names of secrets begin with → what makes their address."""


def again(name: str, url: str, *, encrypted: bool) -> str:
    """An address of the stack's own servers with another way of connecting; what is not one stays as it is."""
    for kind, address in ADDRESSES.items():
        user, password = user_of(url)
        if name.startswith(kind) and user in users_of(name.removeprefix(kind)):
            return address(user, password, encrypted=encrypted)
    return url


def user_of(url: str) -> tuple[str, str]:
    """User and password in an address."""
    parts = urlsplit(url)
    return unquote(parts.username or ""), unquote(parts.password or "")


def users_of(role: str) -> tuple[str, str]:
    """The names of the two users that a role has."""
    return role, f"{role}-2"
