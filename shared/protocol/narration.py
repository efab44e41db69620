"""What a job takes of its source, and how it says it: the part of a request that jobs and previews share.

Everything here has a default, so that a request of an older client means what it meant.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue

LANGUAGE_LIMIT_CHARACTERS: Final = 35
"""RFC 5646, 4.4.1: long enough for any reasonable tag."""
LANGUAGE_PATTERN: Final = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$"
"""A BCP 47 tag, as far as it is checked."""
PRONUNCIATIONS_LIMIT: Final = 1_000
CHAPTER_RANGES: Final = r"^[1-9][0-9]{0,5}(-([1-9][0-9]{0,5})?)?(,[1-9][0-9]{0,5}(-([1-9][0-9]{0,5})?)?)*$"
"""`2-5,7,9-`: chapters by number, from 1; an open end means to the last one."""

LanguageTag = Annotated[str, Field(pattern=LANGUAGE_PATTERN, max_length=LANGUAGE_LIMIT_CHARACTERS)]
NAME_LIMIT_CHARACTERS: Final = 100
Name = Annotated[str, Field(min_length=1, max_length=NAME_LIMIT_CHARACTERS)]
"""Of a voice or a model."""
VoiceLanguage = Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}$")]
"""A language tag as the name of a field; the length is part of the pattern, since JSON schema knows no other way."""
SPEAKER_LIMIT_CHARACTERS: Final = 64
SpeakerName = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f:=]{1,64}$")]
FRAME_LIMIT_CHARACTERS: Final = 2_000
Frame = Annotated[
    str,
    Field(pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$", min_length=1, max_length=FRAME_LIMIT_CHARACTERS),
]
"""What is spoken before or after a text: plain text, with blank lines between paragraphs."""
Respelling = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f]*$", min_length=1, max_length=200)]

Kind = Literal["code", "tables", "notes", "quotes", "front_matter", "back_matter", "captions", "alt_texts"]
"""Kinds of content that are read or left out. `notes` are footnotes and endnotes; `front_matter` is what stands before
the text itself and is not part of it (title page, copyright page, contents; forewords and dedications are part of it),
`back_matter` what follows it (index, bibliography, licence, colophon)."""

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_NARRATOR_READS: Final[frozenset[Kind]] = frozenset({"quotes"})
_NO_OTHER_NAMES: Final[dict[str, JsonValue]] = {"additionalProperties": False}
"""For the JSON schema: names that do not match the pattern are refused."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class Pronunciation(_Frozen):
    """An entry of a lexicon: how a word is said."""

    word: Respelling = Field(description="as it is written; matched at word boundaries")
    say: str = Field(
        "", max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$", description="another spelling that sounds right"
    )
    ipa: str = Field(
        "",
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f-\x9f]*$",
        description="the International Phonetic Alphabet, for engines that take it",
    )
    match_case: bool = Field(True, description="whether capitals have to agree")


class Narration(_Frozen):
    """What is read, and how it is said."""

    read: Literal["narrator", "everything"] = Field(
        "narrator",
        description="`narrator`: what a good narrator would read; `everything`: all that has words",
    )
    code: bool | None = Field(None, description="read blocks of code; null: as the policy says")
    tables: bool | None = Field(None, description="read tables, row by row; null: as the policy says")
    notes: bool | None = Field(None, description="read footnotes and endnotes; null: as the policy says")
    quotes: bool | None = Field(None, description="read quotations; null: as the policy says")
    front_matter: bool | None = Field(
        None, description="read title pages, copyright pages, tables of contents; null: as the policy says"
    )
    back_matter: bool | None = Field(
        None, description="read indexes, bibliographies, licences, colophons; null: as the policy says"
    )
    captions: bool | None = Field(None, description="read captions of pictures and tables; null: as the policy says")
    alt_texts: bool | None = Field(
        None, description="read what is written for those who do not see a picture; null: as the policy says"
    )
    links: Literal["words", "address"] = Field(
        "words", description="`words`: what is linked; `address`: the address as well"
    )
    chapters: Annotated[str, Field(pattern=CHAPTER_RANGES, max_length=500)] | None = Field(
        None, description="chapters to read by number, as in `2-5,7`; null: all"
    )
    cover: bool | None = Field(
        None, description="take the cover from the document, if the job brings none; null: as the settings say"
    )
    normalise: bool | None = Field(
        None, description="write out numbers, abbreviations, addresses as they are said; null: the settings'"
    )
    lexicon: tuple[Pronunciation, ...] = Field(
        (), max_length=PRONUNCIATIONS_LIMIT, description="how words are said; an entry changes only chunks that have it"
    )
    voices: dict[VoiceLanguage, Name] = Field(
        default_factory=dict,
        max_length=32,
        description="language → voice, for texts and passages in it",
        json_schema_extra=_NO_OTHER_NAMES,
    )
    speakers: dict[SpeakerName, Name] = Field(
        default_factory=dict,
        max_length=32,
        description="speaker of a dialogue → voice",
        json_schema_extra=_NO_OTHER_NAMES,
    )

    intro: Frame | None = Field(
        None, description="spoken before the text; `{title}` and `{author}` stand for the episode's; null: nothing"
    )
    outro: Frame | None = Field(None, description="spoken after the text; as `intro`")

    def reads(self, kind: Kind) -> bool:
        """Whether a kind of content is read."""
        chosen: bool | None = getattr(self, kind)
        return (self.read == "everything" or kind in _NARRATOR_READS) if chosen is None else chosen
