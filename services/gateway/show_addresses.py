"""Where the parts of a show are: absolute addresses, as feeds need them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from services.gateway import plain_cover
from shared.client.feed_tokens import PARAMETER
from shared.client.show_renderings import AudioFile, ShownEpisode
from shared.client.shows import feed_path

AUDIO_NAMES: Final = {
    "mp3": "audio.mp3",
    "m4b": "audio.m4a",  # Apple takes no .m4b
    "opus": "audio.opus",
    "flac": "audio.flac",
    "wav": "audio.wav",
}
"""Kind → the last part of its address: clients judge by its suffix."""


@dataclass(frozen=True)
class ShowAddresses:
    """The addresses of a show.

    Attributes:
        public_url: where the gateway is reached, without a slash at the end.
        show_id: the show.
        token: what opens it, if it is private; in every address that the feed names.
    """

    public_url: str
    show_id: str
    token: str | None = None

    def feed(self, page: int = 1) -> str:
        """A page of the feed."""
        return self._made(feed_path(self.show_id), **({"page": str(page)} if page > 1 else {}))

    def page(self) -> str:
        """The show for people."""
        return self._made(f"/shows/{self.show_id}")

    def cover(self, key: str | None) -> str:
        """The picture; its name changes with its content, so that clients load a new one. None: a plain one."""
        name = key.rpartition("/")[2] if key is not None else plain_cover.NAME
        return self._made(f"/shows/{self.show_id}/pictures/{name}")

    def episode_page(self, episode_id: str) -> str:
        """An episode for people."""
        return self._made(f"/shows/{self.show_id}/episodes/{episode_id}")

    def file(self, episode: ShownEpisode, name: str) -> str:
        """A file of an episode: each rendering has addresses of its own, so what is behind one never changes."""
        own = f"{episode.record.episode_id}/{episode.rendering.job_id}"
        return self._made(f"/shows/{self.show_id}/episodes/{own}/{name}")

    def audio(self, episode: ShownEpisode, audio: AudioFile) -> str:
        """An audio file of an episode."""
        return self.file(episode, AUDIO_NAMES[audio.kind])

    def _made(self, path: str, **query: str) -> str:
        if self.token is not None:
            query[PARAMETER] = self.token
        return f"{self.public_url}{path}" + (f"?{urlencode(query)}" if query else "")
