"""Reads a multipart form from a stranger: each file goes to the disk as it arrives, and nothing grows in memory.

The parser is python-multipart, as in Starlette, whose own form has no limit for a single file and no name for the file
on the disk.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException

from shared.deadlines import in_thread
from shared.errors import BadInput, TooLarge

MEDIA_TYPE: Final = "multipart/form-data"
_NAME_LIMIT_CHARACTERS: Final = 255
_SHOWN_CHARACTERS: Final = 60


@dataclass(frozen=True)
class UploadedFile:
    """A file of a form.

    Attributes:
        name: its name according to the client, without folders and control characters; may be empty.
        path: where it is until the request has been answered.
    """

    name: str
    path: Path


@dataclass(frozen=True)
class Form:
    """A form that was read to its end.

    Attributes:
        fields: the values of its plain fields.
        uploads: its files.
    """

    fields: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, UploadedFile] = field(default_factory=dict)


async def read_form(
    body: AsyncIterator[bytes],
    content_type: str,
    *,
    folder: Path,
    fields: Mapping[str, int],
    uploads: Mapping[str, int],
) -> Form:
    """Read a form.

    Args:
        body: the request's body.
        content_type: of the request, with the boundary.
        folder: an empty folder for its files.
        fields: the plain fields that it may have → the most bytes of each.
        uploads: the files that it may have → the most bytes of each.

    Raises:
        BadInput: it has a field that it may not have, or one of them twice.
        TooLarge: a field is over its limit.
        HTTPException: it is no well-formed form (400).
    """
    _, parameters = parse_options_header(content_type)
    boundary = parameters.get(b"boundary", b"")
    try:
        reader = _Reader(boundary, folder, fields=fields, uploads=uploads)
        async for portion in body:
            reader.parser.write(portion)
            if reader.arrived:
                await in_thread(reader.write_arrived)
        reader.parser.finalize()
    except FormParserError as error:
        raise HTTPException(400, f"The form cannot be read: {error}") from error
    if not reader.ended:
        raise HTTPException(400, "The form is incomplete.")
    return reader.form


class _Reader:
    """What python-multipart calls. Only `write_arrived` touches the disk; it is for a thread."""

    def __init__(self, boundary: bytes, folder: Path, *, fields: Mapping[str, int], uploads: Mapping[str, int]) -> None:
        if not boundary:
            raise HTTPException(400, "The content type of the form has no boundary.")
        self.form = Form()
        self.ended = False
        self.arrived: list[tuple[Path, bytes]] = []
        self._folder = folder
        self._field_limits, self._upload_limits = fields, uploads
        self._header, self._value = bytearray(), bytearray()
        self._disposition = b""
        self._name = ""
        self._size_bytes = 0
        self.parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_end,
                "on_part_data": self._data,
                "on_end": self._end,
            },
        )

    def write_arrived(self) -> None:
        """Write to the disk what has arrived."""
        arrived, self.arrived = self.arrived, []
        for path, data in arrived:
            with path.open("ab") as file:
                file.write(data)

    def _begin(self) -> None:
        self._disposition = b""
        self._size_bytes = 0

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._disposition.decode("latin-1"))
        name = self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if name not in {*self._field_limits, *self._upload_limits}:
            known = ", ".join((*self._upload_limits, *self._field_limits))
            raise BadInput(
                f"The form has an unknown field {name[:_SHOWN_CHARACTERS]!r}.", hint=f"Known fields: {known}."
            )
        if name in self.form.fields or name in self.form.uploads:
            raise BadInput(f"The form has two fields {name!r}.", hint="Send only one.")
        if name in self._field_limits:
            self.form.fields[name] = b""
            return
        path = self._folder / name  # one of ours, not the client's
        self.form.uploads[name] = UploadedFile(_file_name(options.get(b"filename", b"")), path)
        self.arrived.append((path, b""))

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._size_bytes += end - start
        name = self._name
        limit_bytes = self._field_limits.get(name) or self._upload_limits[name]
        if self._size_bytes > limit_bytes:
            raise TooLarge(f"The field {name!r} is larger than the limit of {limit_bytes / 1e6:g} MB.")
        if name in self.form.uploads:
            self.arrived.append((self.form.uploads[name].path, data[start:end]))
        else:
            self.form.fields[name] += data[start:end]

    def _end(self) -> None:
        self.ended = True


def _file_name(given: bytes) -> str:
    """The last part of the path that a client gave, without control characters."""
    name = PurePosixPath(given.decode("utf-8", "replace").replace("\\", "/")).name
    return "".join(character for character in name if character.isprintable())[-_NAME_LIMIT_CHARACTERS:]
