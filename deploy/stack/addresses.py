"""The addresses of the stack's own broker and store, with the users in them; a role has two users, alternately."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, unquote, urlsplit

AMQP_URL: Final = "amqp_url_"
"""What the names of secrets with the broker's address begin with; a role follows."""
STORE_URL: Final = "store_url_"
"""The same for the store."""
BUCKET: Final = "podcast"


def amqp_url(user: str, password: str) -> str:
    """Where a user of the stack's broker connects."""
    return f"amqp://{quote(user, safe='')}:{quote(password, safe='')}@rabbitmq:5672/"


def store_url(user: str, password: str) -> str:
    """Where a user of the stack's store connects."""
    return f"s3://{quote(user, safe='')}:{quote(password, safe='')}@minio:9000/{BUCKET}?secure=false"


def user_of(url: str) -> tuple[str, str]:
    """User and password in an address."""
    parts = urlsplit(url)
    return unquote(parts.username or ""), unquote(parts.password or "")


def users_of(role: str) -> tuple[str, str]:
    """The names of the two users that a role has."""
    return role, f"{role}-2"
