"""What the writers of tags need to know of a cover."""

from __future__ import annotations

from typing import Protocol


class TagPicture(Protocol):
    """A picture that was checked: JPEG or PNG."""

    @property
    def data(self) -> bytes:
        """The file."""

    @property
    def mime(self) -> str:
        """`image/jpeg` or `image/png`."""

    @property
    def width(self) -> int:
        """In pixels."""

    @property
    def height(self) -> int:
        """In pixels."""
