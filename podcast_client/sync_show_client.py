# Derived by docs/sync_client.py from async_show_client.py: change that one.
"""The methods of the client about shows: the shows, their episodes, the tokens of their private feeds."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

from podcast_client import show_calls as calls
from podcast_client.documents import Document
from podcast_client.sync_transport import Transport


class ShowMethods:
    """Shows; docs/shows.md says what their fields mean. Reading needs the scope `read`, changing `operate`."""

    _transport: Transport

    def shows(self) -> Generator[Document, None]:
        """The shows in the order of their ids, fetched a page at a time."""
        cursor: str | None = None
        while True:
            page = self._transport.run(calls.shows(cursor=cursor))
            for show in page.items:
                yield show
            cursor = page.next
            if cursor is None:
                return

    def show(self, show_id: str) -> Document:
        """One show."""
        return self._transport.run(calls.show(show_id))

    def add_show(self, show_id: str, *, title: str, description: str, **fields: Any) -> Document:
        """Make a show.

        Args:
            show_id: a part of its feed's address; it never changes.
            title: its title.
            description: what it is about.
            fields: any others, such as `author`, `language`, `categories`, `visibility` and `voice`.
        """
        return self._transport.run(calls.add_show(show_id, {**fields, "title": title, "description": description}))

    def change_show(self, show_id: str, **fields: Any) -> Document:
        """Change these fields of a show; None: it has none."""
        return self._transport.run(calls.change_show(show_id, fields))

    def set_show_cover(self, show_id: str, picture: Path | bytes) -> Document:
        """Give a show a cover: a JPEG or PNG."""
        return self._transport.run(calls.set_show_cover(show_id, picture))

    def remove_show(self, show_id: str) -> None:
        """Remove a show; its jobs and their audio stay."""
        self._transport.run(calls.remove_show(show_id))

    def episodes(self, show_id: str) -> Generator[Document, None]:
        """The episodes of a show, newest first, fetched a page at a time; also those that are not completed."""
        cursor: str | None = None
        while True:
            page = self._transport.run(calls.episodes(show_id, cursor=cursor))
            for episode in page.items:
                yield episode
            cursor = page.next
            if cursor is None:
                return

    def change_episode(self, show_id: str, episode_id: str, **fields: Any) -> Document:
        """Change these fields of an episode, such as `title`, `number`, `summary` and `is_hidden`."""
        return self._transport.run(calls.change_episode(show_id, episode_id, fields))

    def add_feed_token(self, show_id: str, *, name: str = "") -> Document:
        """Make an address that opens a private feed, as `feed_url`, this once.

        Args:
            show_id: the show.
            name: whose it is.
        """
        return self._transport.run(calls.add_feed_token(show_id, name))

    def feed_tokens(self, show_id: str) -> tuple[Document, ...]:
        """The tokens of a show, revoked ones too."""
        return (self._transport.run(calls.feed_tokens(show_id))).items

    def revoke_feed_token(self, show_id: str, token_id: str) -> Document:
        """Make a token invalid at once."""
        return self._transport.run(calls.revoke_feed_token(show_id, token_id))
