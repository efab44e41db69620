"""What becomes of an answer's body: one object, a list, a page of a list, or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from podcast_client.decoding import decode
from podcast_client.documents import Page
from podcast_client.errors import UnexpectedAnswer

T = TypeVar("T")


def document(body: bytes) -> Any:
    """The JSON document in an answer.

    Raises:
        UnexpectedAnswer: it is none.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnexpectedAnswer("The server did not answer in JSON; is there a proxy that answers for it?") from error


def of(kind: type[T]) -> Callable[[bytes], T]:
    """An answer that is one object."""
    return lambda body: decode(kind, document(body))


def listing(kind: type[T], *names: str) -> Callable[[bytes], tuple[T, ...]]:
    """An answer that is a list, bare or under one of these names."""
    return lambda body: page(kind, *names)(body).items


def page(kind: type[T], *names: str) -> Callable[[bytes], Page[T]]:
    """An answer that is a page of a list, under one of these names."""

    def read(body: bytes) -> Page[T]:
        found = document(body)
        listed = found if isinstance(found, list) else next((found[name] for name in names if name in found), None)
        if not isinstance(listed, list):
            raise UnexpectedAnswer(f"The server's answer has no list {names[0]}.")
        items = tuple(decode(kind, one, f"/{index}") for index, one in enumerate(listed))
        if isinstance(found, list):
            return Page(items, None)
        return Page(items, found.get("next"), tuple(map(str, found.get("unreadable") or ())))

    return read


def nothing(_body: bytes) -> None:
    """An answer without content, or whose content does not matter."""
