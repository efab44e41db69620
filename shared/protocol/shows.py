"""Shows and their episodes, as the store has them: `shows/<show>/show.json`, `shows/<show>/episodes/<episode>.json`.

A show is created once and then replaced only over the version that was read. An episode's record is created by the
chunker when it takes the episode's first job; a job that renders it again is added to it.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, HttpUrl, field_validator

from shared.protocol.episode_of_show import (
    LATEST_SECONDS,
    SUMMARY_LIMIT_CHARACTERS,
    EpisodeId,
    EpisodeType,
    Guid,
    ShowId,
    Summary,
)
from shared.protocol.messages import AudioFormat, Frozen, JobId, Line, LoudnessProfile, ObjectKey
from shared.protocol.narration import PRONUNCIATIONS_LIMIT, Frame, LanguageTag, Name, Pronunciation, VoiceLanguage
from shared.protocol.show_categories import CATEGORIES

__all__ = ["SUMMARY_LIMIT_CHARACTERS", "EpisodeRecord", "Person", "Show"]

RENDERINGS_LIMIT: Final = 20
"""Jobs of one episode that its record names; the oldest are forgotten first."""
Title = Annotated[Line, Field(min_length=1, max_length=255)]
Category = Annotated[str, Field(max_length=80, description="as Apple Podcasts names it: `Arts` or `Arts > Books`")]
Medium = Literal["podcast", "audiobook", "music", "newsletter", "blog"]
"""Of those that the podcast namespace lists, the ones that audio with spoken words can have."""
Visibility = Literal["public", "private"]
_EMAIL: Final = r"^[^\s@<>\x00-\x1f]{1,64}@[^\s@<>\x00-\x1f]{1,190}$"


class Person(Frozen):
    """Somebody who takes part; `podcast:person`."""

    name: Title = Field(description="the person's name")
    role: Line = Field("host", max_length=80, description="as in the Podcast Taxonomy Project, in small letters")
    href: HttpUrl | None = Field(None, strict=False, description="a page about the person")
    img: HttpUrl | None = Field(None, strict=False, description="a picture of the person")


class Show(Frozen):
    """A show: what its feed says, and what its jobs use where they say nothing."""

    version: Literal[1] = 1
    show_id: ShowId = Field(description="a part of the feed's address; it never changes")
    guid: str = Field(
        pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", description="`podcast:guid`; it never changes"
    )
    title: Title
    author: Line = Field("", description="who makes it")
    description: Summary = Field(min_length=1, description="what it is about: plain text of several lines")
    language: LanguageTag = "en"
    categories: tuple[Category, ...] = Field(("Technology",), min_length=1, max_length=3)
    link: HttpUrl | None = Field(None, strict=False, description="its page; None: the feed's address")
    explicit: bool = False
    kind: Literal["episodic", "serial"] = Field("episodic", description="serial: to be heard from the first on")
    is_complete: bool = Field(False, description="there will be no more episodes")
    copyright: Line = ""
    owner_name: Line = ""
    owner_email: Annotated[str, Field(pattern=_EMAIL, max_length=254)] | None = Field(
        None, description="for directories that verify who owns the feed; it is public in the feed"
    )
    locked: bool = Field(True, description="other hosts are asked not to import the feed")
    medium: Medium = "podcast"
    ai_content: bool = Field(True, description="the feed says that its voices are made by a machine")
    announce: bool = Field(
        False, description="the feed names an episode as `podcast:liveItem` while its first job is under way"
    )
    persons: tuple[Person, ...] = Field((), max_length=20)
    cover: ObjectKey | None = Field(None, description="a JPEG or PNG below `shows/<show_id>/`")
    visibility: Visibility = Field("private", description="private: the feed needs a token in its address")
    new_feed_url: HttpUrl | None = Field(None, strict=False, description="where the feed has moved to")
    feed_items: int = Field(100, ge=1, le=500, description="episodes a page of the feed has")
    keep_episodes: int | None = Field(
        None, ge=1, le=100_000, description="the feed has the newest so many episodes; None: all"
    )
    keep_days: int | None = Field(
        None,
        ge=1,
        le=100_000,
        description="when old jobs are removed, its episodes go this long after they were completed; None: they stay",
    )

    voice: Name | None = Field(None, description="of its jobs, where they name none")
    model: Name | None = Field(None, description="of its jobs, where they name none")
    loudness: LoudnessProfile = Field("mono", description="of its jobs, where they have the default")
    formats: tuple[AudioFormat, ...] = Field(("mp3",), min_length=1, max_length=5)
    lexicon: tuple[Pronunciation, ...] = Field((), max_length=PRONUNCIATIONS_LIMIT)
    intro: Frame | None = Field(
        None,
        description="spoken before each episode; `{title}` and `{author}` stand for the episode's, `{show}` for the"
        " show's title, `{number}` for the episode's number",
    )
    outro: Frame | None = Field(None, description="spoken after each episode; as `intro`")
    voices: dict[VoiceLanguage, Name] = Field(default_factory=dict, max_length=32)

    created_at: float = Field(strict=False, description="seconds since the epoch")
    updated_at: float = Field(strict=False, description="seconds since the epoch")

    @field_validator("categories")
    @classmethod
    def _categories_are_apples(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if one not in CATEGORIES:
                raise ValueError(f"“{one}” is no category of Apple Podcasts, such as “Arts” or “Arts > Books”")
        return value


class EpisodeRecord(Frozen):
    """An episode of a show: what identifies it, what is said of it, and the jobs that rendered it."""

    version: Literal[1] = 1
    show_id: ShowId
    episode_id: EpisodeId
    guid: Guid = Field(description="as podcast clients know it; it never changes")
    jobs: tuple[JobId, ...] = Field(
        min_length=1,
        max_length=RENDERINGS_LIMIT,
        description="those that rendered it, oldest first: the last that is completed is the episode",
    )
    title: Line | None = Field(None, description="None: that of the job")
    number: int | None = Field(None, ge=1, le=1_000_000)
    season: int | None = Field(None, ge=1, le=100_000)
    type: EpisodeType = "full"
    summary: Summary | None = None
    link: HttpUrl | None = Field(None, strict=False)
    is_hidden: bool = Field(False, description="it is not in the feed")
    published_at: float | None = Field(
        None, ge=0, le=LATEST_SECONDS, strict=False, description="seconds since the epoch; None: when it was completed"
    )
    announced_at: float = Field(strict=False, description="when its first job was taken, seconds since the epoch")

    @property
    def appears_at(self) -> float:
        """When it appears in the feed, in seconds since the epoch; the same however often it is rendered again."""
        return self.announced_at if self.published_at is None else self.published_at
