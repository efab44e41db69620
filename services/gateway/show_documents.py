"""Shows, episodes and feed tokens as `/v1/shows` takes and shows them."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.gateway.json_types import WHOLE
from services.gateway.show_addresses import AUDIO_NAMES, ShowAddresses
from shared.client.feed_tokens import FeedToken
from shared.client.show_renderings import Rendering, ShownEpisode
from shared.protocol.episode_of_show import (
    SHOW_ID,
    SHOW_ID_LIMIT_CHARACTERS,
    SUMMARY_LIMIT_CHARACTERS,
    EpisodeType,
)
from shared.protocol.messages import AudioFormat, LoudnessProfile
from shared.protocol.narration import Pronunciation
from shared.protocol.shows import EpisodeRecord, Medium, Show, Visibility

_LINE_CHARACTERS: Final = 500
_URL_CHARACTERS: Final = 2_000
_Url = Annotated[str, Field(max_length=_URL_CHARACTERS, json_schema_extra={"format": "uri"})]


class PersonGiven(BaseModel):
    """Somebody who takes part."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(min_length=1, max_length=255, description="the person's name")
    role: str = Field("host", max_length=80, description="host, guest, narrator, author, …")
    href: _Url | None = Field(None, description="a page about the person")
    img: _Url | None = Field(None, description="a picture of the person")


class ShowChange(BaseModel):
    """Changes to a show; fields that are left out are not changed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    title: str | None = Field(None, max_length=255, description="the title")
    author: str | None = Field(None, max_length=_LINE_CHARACTERS, description="who makes it")
    description: str | None = Field(
        None, max_length=SUMMARY_LIMIT_CHARACTERS, description="what it is about: plain text of several lines"
    )
    language: str | None = Field(None, max_length=35, description="BCP 47 tag", examples=["en"])
    categories: list[str] | None = Field(
        None, max_length=3, description="as Apple Podcasts names them", examples=[["Arts > Books"]]
    )
    link: _Url | None = Field(None, description="the show's own page; null: this server's")
    explicit: bool | None = Field(None, description="it has explicit language")
    kind: Literal["episodic", "serial"] | None = Field(None, description="serial: to be heard from the first on")
    is_complete: bool | None = Field(None, description="there will be no more episodes")
    copyright: str | None = Field(None, max_length=_LINE_CHARACTERS, description="who has the rights")
    owner_name: str | None = Field(None, max_length=_LINE_CHARACTERS, description="for directories")
    owner_email: str | None = Field(None, max_length=254, description="for directories; it is public in the feed")
    locked: bool | None = Field(None, description="other hosts are asked not to import the feed")
    medium: Medium | None = Field(None, description="`podcast:medium`")
    ai_content: bool | None = Field(None, description="the feed says that its voices are made by a machine")
    announce: bool | None = Field(
        None, description="the feed names an episode as `podcast:liveItem` while its first job is under way"
    )
    persons: list[PersonGiven] | None = Field(None, max_length=20, description="who takes part")
    visibility: Visibility | None = Field(None, description="private: the feed needs a token in its address")
    new_feed_url: _Url | None = Field(None, description="where the feed has moved to; null: nowhere")
    feed_items: Annotated[int, Field(ge=1, le=500), WHOLE] | None = Field(
        None, description="episodes a page of the feed has"
    )
    keep_episodes: Annotated[int, Field(ge=1, le=100_000), WHOLE] | None = Field(
        None, description="the feed has the newest so many episodes; null: all"
    )
    keep_days: Annotated[int, Field(ge=1, le=100_000), WHOLE] | None = Field(
        None,
        description="when old jobs are removed, its episodes go this long after they were completed; null: they stay",
    )
    voice: str | None = Field(None, max_length=100, description="of its jobs, where they name none")
    model: str | None = Field(None, max_length=100, description="of its jobs, where they name none")
    loudness: LoudnessProfile | None = Field(None, description="of its jobs, where they have the default")
    formats: list[AudioFormat] | None = Field(
        None, max_length=5, description="of its jobs, where they have the default"
    )
    lexicon: list[Pronunciation] | None = Field(
        None, max_length=1_000, description="how words are said; entries of a job come first"
    )
    intro: str | None = Field(None, max_length=2_000, description="spoken before each episode; see docs/shows.md")
    outro: str | None = Field(None, max_length=2_000, description="spoken after each episode")
    voices: dict[str, str] | None = Field(None, max_length=32, description="language → voice, for passages in it")


class ShowWanted(ShowChange):
    """A new show; fields that are left out or null have their defaults."""

    show_id: str = Field(
        pattern=rf"^{SHOW_ID.pattern}$",
        max_length=SHOW_ID_LIMIT_CHARACTERS,
        description="a part of the feed's address; it never changes",
        examples=["essays"],
    )
    title: str = Field(min_length=1, max_length=255, description="the title", examples=["Essays"])
    description: str = Field(
        min_length=1,
        max_length=SUMMARY_LIMIT_CHARACTERS,
        description="what it is about: plain text of several lines",
        examples=["Old essays, read aloud."],
    )


class ShowShown(Show):
    """A show."""

    feed_url: str = Field(description="its feed; of a private show, `POST …/tokens` gives an address that opens")


class ShowList(BaseModel):
    """A page of shows, in the order of their ids."""

    shows: list[ShowShown]
    next: str | None = Field(description="the cursor of the next page; null: this is the last")


class EpisodeLinks(BaseModel):
    """Where the parts of an episode are; of a private show, without a token."""

    page: str = Field(description="the episode for people")
    audio: str = Field(description="the audio that the feed names")
    captions: str | None = Field(description="WebVTT")
    chapters: str | None = Field(description="JSON chapters")
    job: str = Field(description="the job that rendered it, in this API")


class EpisodeShown(BaseModel):
    """An episode of a show."""

    episode_id: str = Field(description="its id in the show")
    guid: str = Field(description="its guid in the feed, which never changes")
    title: str = Field(description="its title")
    number: int | None = Field(description="its number")
    season: int | None = Field(description="its season")
    type: EpisodeType = Field(description="a whole episode, a trailer or something extra")
    summary: str | None = Field(description="what it is about")
    link: str | None = Field(description="the page that it belongs to")
    is_hidden: bool = Field(description="it is not in the feed")
    published_at: float = Field(description="seconds since the epoch")
    jobs: list[str] = Field(description="the jobs that rendered it, oldest first")
    audio_seconds: float | None = Field(description="its length; null: no job of it is completed")
    size_bytes: int | None = Field(description="of the audio that the feed names")
    completed_at: float | None = Field(description="when it was rendered, in seconds since the epoch")
    links: EpisodeLinks | None = Field(description="null: no job of it is completed")


class EpisodeList(BaseModel):
    """A page of a show's episodes, newest first."""

    episodes: list[EpisodeShown]
    next: str | None = Field(description="the cursor of the next page; null: this is the last")


class EpisodeChange(BaseModel):
    """Changes to an episode; fields that are left out are not changed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    title: str | None = Field(None, max_length=_LINE_CHARACTERS, description="the title; null: that of the job")
    number: Annotated[int, Field(ge=1, le=1_000_000), WHOLE] | None = Field(None, description="the number")
    season: Annotated[int, Field(ge=1, le=100_000), WHOLE] | None = Field(None, description="the season")
    type: EpisodeType | None = Field(None, description="a whole episode, a trailer or something extra")
    summary: str | None = Field(None, max_length=SUMMARY_LIMIT_CHARACTERS, description="what it is about")
    link: _Url | None = Field(None, description="the page that it belongs to")
    is_hidden: bool | None = Field(None, description="true: it is not in the feed")
    published_at: float | None = Field(
        None, ge=0, le=253_402_300_799.0, description="seconds since the epoch; before that time it is not in the feed"
    )


class TokenWanted(BaseModel):
    """A token to make."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field("", max_length=100, description="whose it is, for people", examples=["my phone"])


class TokenShown(BaseModel):
    """A token of a private show, without its secret."""

    id: str = Field(description="names the token")
    name: str = Field(description="whose it is, for people")
    created_at: float = Field(description="seconds since the epoch")
    revoked_at: float | None = Field(description="seconds since the epoch; null: it is valid")


class TokenMade(TokenShown):
    """A new token."""

    feed_url: str = Field(description="the feed's address with the token; it is shown only this once")


class TokenList(BaseModel):
    """The tokens of a show, oldest first."""

    tokens: list[TokenShown]


def shown(show: Show, public_url: str) -> ShowShown:
    """The show as it is shown."""
    fields = {name: getattr(show, name) for name in Show.model_fields}
    return ShowShown.model_construct(**fields, feed_url=ShowAddresses(public_url, show.show_id).feed())


def episode_shown(record: EpisodeRecord, rendering: Rendering | None, addresses: ShowAddresses) -> EpisodeShown:
    """The episode as it is shown; `rendering` is what can be heard of it, if anything."""
    heard = None if rendering is None else ShownEpisode(record, rendering)
    return EpisodeShown(
        episode_id=record.episode_id,
        guid=record.guid,
        title=record.title or (rendering.title if rendering is not None else ""),
        number=record.number,
        season=record.season,
        type=record.type,
        summary=record.summary,
        link=None if record.link is None else str(record.link),
        is_hidden=record.is_hidden,
        published_at=record.appears_at,
        jobs=list(record.jobs),
        audio_seconds=None if rendering is None else rendering.audio_seconds,
        size_bytes=None if rendering is None else rendering.audio[0].size_bytes,
        completed_at=None if rendering is None else rendering.completed_at,
        links=None if heard is None else _links(heard, addresses),
    )


def _links(episode: ShownEpisode, addresses: ShowAddresses) -> EpisodeLinks:
    kinds = episode.rendering.kinds
    return EpisodeLinks(
        page=addresses.episode_page(episode.record.episode_id),
        audio=addresses.file(episode, AUDIO_NAMES[episode.rendering.audio[0].kind]),
        captions=addresses.file(episode, "captions.vtt") if "vtt" in kinds else None,
        chapters=addresses.file(episode, "chapters.json") if "chapters" in kinds else None,
        job=f"/v1/jobs/{episode.rendering.job_id}",
    )


def token_shown(token: FeedToken) -> TokenShown:
    """The token as it is shown."""
    return TokenShown(id=token.token_id, name=token.name, created_at=token.created_at, revoked_at=token.revoked_at)
