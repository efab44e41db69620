"""The calls about shows: the shows, their episodes, the tokens of their private feeds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from podcast_client.answers import document, nothing, page
from podcast_client.calls import Call, part
from podcast_client.documents import Document, Page

_PNG: Final = b"\x89PNG"
_PAGE: Final = 100


def _show(show_id: str) -> str:
    return f"/v1/shows/{part(show_id)}"


def shows(*, cursor: str | None = None) -> Call[Page[Document]]:
    """A page of the shows."""
    return Call("GET", "/v1/shows", page(Document, "shows"), params={"limit": _PAGE, "cursor": cursor})


def show(show_id: str) -> Call[Document]:
    """One show."""
    return Call("GET", _show(show_id), document)


def add_show(show_id: str, fields: Mapping[str, Any]) -> Call[Document]:
    """Make a show."""
    return Call("POST", "/v1/shows", document, body={**fields, "show_id": show_id})


def change_show(show_id: str, fields: Mapping[str, Any]) -> Call[Document]:
    """Change a show."""
    return Call("PATCH", _show(show_id), document, body=dict(fields))


def set_show_cover(show_id: str, picture: Path | bytes) -> Call[Document]:
    """Give a show a cover."""
    content = picture.read_bytes() if isinstance(picture, Path) else picture
    kind = "image/png" if content.startswith(_PNG) else "image/jpeg"
    return Call("PUT", f"{_show(show_id)}/cover", document, content=content, content_type=kind)


def remove_show(show_id: str) -> Call[None]:
    """Remove a show."""
    return Call("DELETE", _show(show_id), nothing, is_done_if_gone=True)


def episodes(show_id: str, *, cursor: str | None = None) -> Call[Page[Document]]:
    """A page of a show's episodes."""
    params = {"limit": _PAGE, "cursor": cursor}
    return Call("GET", f"{_show(show_id)}/episodes", page(Document, "episodes"), params=params)


def change_episode(show_id: str, episode_id: str, fields: Mapping[str, Any]) -> Call[Document]:
    """Change an episode."""
    return Call("PATCH", f"{_show(show_id)}/episodes/{part(episode_id)}", document, body=dict(fields))


def add_feed_token(show_id: str, name: str) -> Call[Document]:
    """Make an address that opens a private feed."""
    return Call("POST", f"{_show(show_id)}/tokens", document, body={"name": name})


def feed_tokens(show_id: str) -> Call[Page[Document]]:
    """The tokens of a show."""
    return Call("GET", f"{_show(show_id)}/tokens", page(Document, "tokens"))


def revoke_feed_token(show_id: str, token_id: str) -> Call[Document]:
    """Make a token invalid."""
    return Call("DELETE", f"{_show(show_id)}/tokens/{part(token_id)}", document)
