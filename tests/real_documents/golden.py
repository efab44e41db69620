"""A golden file: which document, and what is right about it.

[source]
deb = "python3-doc"             # or `wheel` (PyPI) or `npm`
version = "3.11.2-1"            # where it was looked at; another version with the same file is as good
path = "usr/share/doc/…/index.html"
sha256 = "…"                    # of the file
url = "https://…"               # optional: read it as a page with this address
format = "text"                 # optional: named by whoever submits it, as with --source-format
short = true                    # optional: part of `make test`

[right]
title = "…"
author = "…"                    # optional, "" means: none
language = "en"
chapters = ["…", "…"]           # every title in order; or, for a long book:
chapter_count = 42
some_chapters = ["…"]           # in order, among others
omissions = {code = 12}         # kind = count; kinds that are not named are not looked at
must_say = ["…"]                # sentences or parts of them
must_not_say = ["…"]

[known]                         # optional: what is not read right, and why; such a field is counted as wrong
chapters = "…"
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.protocol.messages import SourceFormat

FOLDER: Final = Path(__file__).parent / "golden"

Field_ = Literal["title", "author", "language", "chapters", "omissions", "must_say", "must_not_say"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Source(_Model):
    """Where a document comes from."""

    deb: str = ""
    wheel: str = ""
    npm: str = ""
    version: str
    path: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    url: str = ""
    format: SourceFormat | None = None
    short: bool = False

    @model_validator(mode="after")
    def _one_registry(self) -> Self:
        if sum(map(bool, (self.deb, self.wheel, self.npm))) != 1:
            raise ValueError("name one of deb, wheel and npm")
        return self

    @property
    def registry(self) -> Literal["deb", "wheel", "npm"]:
        """Which kind of package it is in."""
        return "deb" if self.deb else "wheel" if self.wheel else "npm"

    @property
    def package(self) -> str:
        """The package's name."""
        return self.deb or self.wheel or self.npm


class Right(_Model):
    """What a good reader makes of it."""

    title: str
    author: str | None = None
    language: str
    chapters: tuple[str, ...] | None = Field(None, strict=False)
    chapter_count: int | None = None
    some_chapters: tuple[str, ...] = Field((), strict=False)
    omissions: dict[str, int] = {}
    must_say: tuple[str, ...] = Field(min_length=1, strict=False)
    must_not_say: tuple[str, ...] = Field((), strict=False)


class Golden(_Model):
    """One golden file."""

    name: str
    source: Source
    right: Right
    known: dict[Field_, str] = {}


def all_of_them() -> list[Golden]:
    """Every golden file, by name."""
    return [_read(path) for path in sorted(FOLDER.glob("*.toml"))]


def _read(path: Path) -> Golden:
    found: dict[str, Any] = tomllib.loads(path.read_text())
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", path.stem):
        raise ValueError(f"{path.name}: lower-case letters, digits and hyphens")
    return Golden.model_validate({"name": path.stem, **found})
