"""What a job says of the show that its episode belongs to. The show itself is in `shared.protocol.shows`."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, HttpUrl

SHOW_ID: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
SHOW_ID_LIMIT_CHARACTERS: Final = 64
ShowId = Annotated[str, Field(pattern=rf"^{SHOW_ID.pattern}$", max_length=SHOW_ID_LIMIT_CHARACTERS)]
"""Small letters, digits and single hyphens: it is a part of the feed's address."""
EpisodeId = Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z_-]{0,63}$", max_length=64)]
"""The id of the first job that rendered the episode."""
SUMMARY_LIMIT_CHARACTERS: Final = 4_000
"""Apple: "The description tag may contain up to 4,000 bytes"; what is longer in bytes is cut in the feed."""
Summary = Annotated[
    str, Field(pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$", max_length=SUMMARY_LIMIT_CHARACTERS)
]
Guid = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f]+$", min_length=1, max_length=500)]
EpisodeType = Literal["full", "trailer", "bonus"]
LATEST_SECONDS: Final = 253_402_300_799.0
"""The end of the year 9999: later times have no date."""


class EpisodeOfShow(BaseModel):
    """The place of a job's episode in a show."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    show_id: ShowId = Field(description="the show")
    episode_id: EpisodeId | None = Field(
        None,
        description="the episode that this job renders again: its guid stays, and its audio is replaced when the job is"
        " completed; null: a new episode, whose id is the job's",
    )
    guid: Guid | None = Field(
        None, description="the guid of a new episode, which never changes; null: it is derived from the episode's id"
    )
    number: int | None = Field(None, ge=1, le=1_000_000, description="the episode's number")
    season: int | None = Field(None, ge=1, le=100_000, description="the season's number")
    type: EpisodeType = Field("full", description="a whole episode, a trailer or something extra")
    summary: Summary | None = Field(None, description="what the episode is about: plain text of several lines")
    published_at: float | None = Field(
        None,
        ge=0,
        le=LATEST_SECONDS,
        strict=False,
        description="seconds since the epoch; before that time it is not in the feed; null: when it is completed",
    )
    link: HttpUrl | None = Field(None, strict=False, description="the page that the episode belongs to")
