"""The pages of a Kindle book, with a mark at each place that something in the book names."""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass, field

_TAG = re.compile(rb"<[^<>]{0,5000}>")


@dataclass(frozen=True, slots=True)
class ContentsLine:
    """A line of the table of contents.

    Attributes:
        title: as written there.
        level: 1 is the highest.
        page: number of the page that it leads to.
        mark: the id there; "": the beginning.
    """

    title: str
    level: int
    page: int
    mark: str


@dataclass(slots=True)
class Pages:
    """The markup of a book, page by page, as bytes.

    Attributes:
        starts: where each page begins, in the positions that the book counts in.
        texts: the pages.
        marks: page → places in it that are named.
    """

    starts: list[int]
    texts: list[bytes]
    marks: dict[int, set[int]] = field(default_factory=dict)

    def place(self, position: int) -> tuple[int, str]:
        """The page of a position and the id that it gets there; the last page for one that is behind the end."""
        page = max(0, bisect.bisect_right(self.starts, position) - 1)
        inside = min(position - self.starts[page], len(self.texts[page]))
        if inside <= 0:
            return page, ""
        self.marks.setdefault(page, set()).add(inside)
        return page, f"at{inside}"

    def target(self, position: int) -> str:
        """The address of a position, as links in the EPUB have it."""
        page, mark = self.place(position)
        return f"p{page}.xhtml#{mark}" if mark else f"p{page}.xhtml"

    def begun_at(self, position: int) -> int | None:
        """The page that begins at a position, but for its head; None if the position is inside one."""
        page = max(0, bisect.bisect_right(self.starts, position) - 1)
        before = self.texts[page][: max(0, position - self.starts[page])]
        body = max(before.lower().rfind(b"<body"), 0)
        return None if _TAG.sub(b"", before[body:] + b">").strip(b"> \t\r\n") else page

    def marked(self, page: int) -> bytes:
        """A page with an empty element at each place that was asked for."""
        text = self.texts[page]
        made, done = bytearray(), 0
        for place in sorted(self.marks.get(page, ())):
            at = _outside_tag(text, done, place)
            made += text[done:at] + b'<a id="at%d"></a>' % place
            done = at
        return bytes(made + text[done:])


def _outside_tag(text: bytes, done: int, place: int) -> int:
    """The place, or the beginning of the tag that it is in the middle of."""
    opened = text.rfind(b"<", done, place)
    if opened >= 0 and text.find(b">", opened, place) < 0:
        return opened
    return place
