"""What a document at a feed's address turns out to be: a feed, or a page that names feeds. Plain data."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from shared.client.feeds.model import DIGEST_LENGTH

TITLE_LIMIT_CHARACTERS: Final = 500
NAME_LIMIT_CHARACTERS: Final = 2_000
"""Of guids and addresses; a longer guid counts by its beginning and its length."""
HTML_LIMIT_CHARACTERS: Final = 1_000_000
"""Of one item's text. A novel has as many; more of it is cut, and the item says so."""
CATEGORIES_LIMIT: Final = 50
TWIN_CHARACTERS: Final = 200
"""A shorter text may be told twice and mean something new each time, unless its address is the same, too."""


@dataclass(frozen=True, slots=True)
class ParsedItem:
    """An item of a feed.

    Attributes:
        guid: as the feed has it; "" if it has none.
        link: of its page, absolute; "" if it has none.
        title: one line of plain text.
        author: the same.
        html: its text with markup; "" if it has none.
        characters: what can be read in it.
        published: seconds since the epoch; None: it does not say, or nonsense.
        categories: as the feed has them.
        language: BCP 47; "" if it does not say.
    """

    guid: str = ""
    link: str = ""
    title: str = ""
    author: str = ""
    html: str = ""
    characters: int = 0
    published: float | None = None
    categories: tuple[str, ...] = ()
    language: str = ""

    @property
    def digest(self) -> str:
        """What identifies it within its feed: its guid, or else its address, or else its text."""
        if self.guid:
            return digest_of("guid", self.guid)
        return digest_of("link", self.link) if self.link else self.twin_digest

    @property
    def twin_digest(self) -> str:
        """What identifies its text: a feed that gives an old item a new guid tells nothing new."""
        if self.characters >= TWIN_CHARACTERS:
            return digest_of("text", self.title, self.html)
        return digest_of("text", self.link, self.title, self.html)


def digest_of(*parts: str) -> str:
    """A digest of texts, which may hold anything."""
    found = hashlib.sha256()
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        found.update(len(encoded).to_bytes(8, "big") + encoded)
    return found.hexdigest()[:DIGEST_LENGTH]


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """A feed.

    Attributes:
        kind: as in `rss20`, `atom10`, `jsonfeed`.
        title: one line of plain text.
        ttl_seconds: how long it asks to be left alone; None: it does not say.
        items: at most `ITEMS_READ_LIMIT`, as they come, none twice.
        left_out: how many more it has.
    """

    kind: str
    title: str
    ttl_seconds: float | None
    items: tuple[ParsedItem, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class PageLinks:
    """A page that is no feed.

    Attributes:
        feeds: addresses of the feeds that it names, the most likely first.
    """

    feeds: tuple[str, ...]
