"""The keys of the object store. No key is spelled out anywhere else."""

from __future__ import annotations

import hashlib

JOBS = "jobs/"
ACTIVE = "active/"
AUDIO = "audio/"
DELETED = "deleted/"
API_KEYS = "access/keys/"
IDEMPOTENCY = "idempotency/"
SPEECH_JOBS = "speech/"
AUDIT = "audit/"
PREVIEWS = "previews/"
PREVIEWS_WAITING = "previews/waiting/"
VOICES = "voices/"
VOICE_GAINS = "gains/"
WEBHOOKS = "webhooks/"
SHOWS = "shows/"
FEEDS = "feeds/"
FEED_ITEMS = "feed-items/"
QUARANTINE = "quarantine/"
QUEUES = "queues/"
RETENTION = "maintenance/retention.json"
"""When old jobs were last removed; the process that succeeds in replacing it removes them this time."""
RESTORE = "maintenance/restore.json"
"""Names the backup that is being restored; removed when it is restored."""


def job(job_id: str) -> str:
    """The prefix of all keys of a job."""
    return f"{JOBS}{job_id}/"


def request(job_id: str) -> str:
    """The job's request; immutable."""
    return f"{JOBS}{job_id}/request.json"


def source(job_id: str, name: str) -> str:
    """A document that a client submits with its job."""
    return f"{JOBS}{job_id}/source/{name}"


def webhook_secret(job_id: str, token: str) -> str:
    """What signs the webhook that a client wants for its job alone."""
    return source(job_id, f"webhook-{token}.json")


def manifest(job_id: str) -> str:
    """Chapters, chunks, audio keys, pauses; written by the chunker."""
    return f"{JOBS}{job_id}/manifest.json"


def corrected_manifest(job_id: str) -> str:
    """The manifest after an operator's corrections, where there are any; replaced only over a known version."""
    return f"{JOBS}{job_id}/corrected.json"


def cover(job_id: str) -> str:
    """The cover that the chunker found in the source, where the job names none; created once."""
    return f"{JOBS}{job_id}/cover.jpg"


def status(job_id: str) -> str:
    """The job's status; written by the coordinator alone."""
    return f"{JOBS}{job_id}/status.json"


def chunk_times(job_id: str) -> str:
    """When each chunk was requested and made; written by the coordinator, for people."""
    return f"{JOBS}{job_id}/chunk-times.json"


def episode(job_id: str, extension: str) -> str:
    """The finished audio, or what belongs to it (`vtt`, `chapters.json`, `timing.json`)."""
    return f"{JOBS}{job_id}/episode.{extension}"


def part(job_id: str, audio_format: str, number: str) -> str:
    """What is known of a part of an episode that was joined ahead; `number` counts from `00001`."""
    return f"{JOBS}{job_id}/parts/{audio_format}/{number}"


def part_body(job_id: str, audio_format: str, number: str, digest: str) -> str:
    """The bytes of the first part; named by its content, so that it never changes."""
    return f"{part(job_id, audio_format, number)}-{digest}"


def part_upload(job_id: str, audio_format: str) -> str:
    """The id of the upload that the bytes of all other parts are in."""
    return part(job_id, audio_format, "upload")


def is_part(key: str) -> bool:
    """Whether it is of such a part, of what is known of one, or the id of an upload."""
    return key.startswith(JOBS) and key.split("/")[2:3] == ["parts"]


def active(job_id: str) -> str:
    """An empty object that exists until the job has ended; a restarted coordinator lists these."""
    return f"{ACTIVE}{job_id}"


def deleted(job_id: str) -> str:
    """An empty object that outlives a deleted job, so that messages still under way do not bring it back."""
    return f"{DELETED}{job_id}"


def api_key(key_id: str) -> str:
    """A key of the HTTP API: its hash, its scopes."""
    return f"{API_KEYS}{key_id}.json"


def idempotency(owner: str, digest: str) -> str:
    """What an `Idempotency-Key` of the API key `owner` stands for."""
    return f"{IDEMPOTENCY}{owner}/{digest}.json"


def speech_job(digest: str) -> str:
    """Names the job that speaks a text, for those who ask for the same text again."""
    return f"{SPEECH_JOBS}{digest}.json"


def audit_intent(day: str, record_id: str) -> str:
    """An operating action that is about to be carried out; created once. `day` is `2026-11-24`, in UTC."""
    return f"{AUDIT}{day}/{record_id}.json"


def audit_outcome(day: str, record_id: str) -> str:
    """What became of it; created once. Listed directly after its intent."""
    return f"{AUDIT}{day}/{record_id}.outcome.json"


def preview(preview_id: str) -> str:
    """What would be spoken of a document, or why it cannot be read; derived from the document."""
    return f"{PREVIEWS}{preview_id}/preview.json"


def preview_source(preview_id: str, name: str) -> str:
    """A document that a client wants to preview."""
    return f"{PREVIEWS}{preview_id}/source/{name}"


def preview_waiting(preview_id: str) -> str:
    """An empty object that exists while a preview was asked for and is not made."""
    return f"{PREVIEWS_WAITING}{preview_id}"


def voices(engine: str) -> str:
    """Which voices the speech servers list, by what names them in audio keys; written by the synthesizers."""
    return f"{VOICES}{hashlib.sha256(engine.encode()).hexdigest()[:32]}.json"


def segment(audio_key: str, digest: str, audio_format: str) -> str:
    """A mastered segment of the chunk whose audio is `audio_key`; beside it, so that both are swept together."""
    chunk = audio_key.removeprefix(AUDIO).removesuffix(".flac").split("/")[0]
    return f"{AUDIO}{chunk}/{digest}.{audio_format}"


def voice_gain(digest: str) -> str:
    """The usual gain of a voice; created once and never changed, since it is part of the keys of segments."""
    return f"{VOICE_GAINS}{digest}.json"


def webhook(endpoint_id: str) -> str:
    """An endpoint that webhooks are sent to: its address, its secrets."""
    return f"{WEBHOOKS}{endpoint_id}.json"


def show(show_id: str) -> str:
    """A show: what its feed says, and the defaults of its jobs; replaced only over a known version."""
    return f"{SHOWS}{show_id}/show.json"


def show_episodes(show_id: str) -> str:
    """The prefix of the records of a show's episodes."""
    return f"{SHOWS}{show_id}/episodes/"


def show_episode(show_id: str, episode_id: str) -> str:
    """The record of an episode: its guid, and the jobs that rendered it; replaced only over a known version."""
    return f"{show_episodes(show_id)}{episode_id}.json"


def show_cover(show_id: str, name: str) -> str:
    """A picture of a show; its name is derived from its content."""
    return f"{SHOWS}{show_id}/pictures/{name}"


def show_token(show_id: str, token_id: str) -> str:
    """What opens a private feed: a hash; replaced only to revoke it."""
    return f"{SHOWS}{show_id}/tokens/{token_id}.json"


def feed(feed_id: str) -> str:
    """A feed: its address, its rules, what its polls found; replaced only over a known version."""
    return f"{FEEDS}{feed_id}.json"


def feed_item(feed_id: str, digest: str) -> str:
    """What became of an item of a feed; created once, then replaced only over a known version."""
    return f"{FEED_ITEMS}{feed_id}/{digest}.json"


def feed_item_twin(feed_id: str, digest: str) -> str:
    """Names the item that has this text, so that the same text under another id is not spoken again; created once."""
    return f"{FEED_ITEMS}{feed_id}/same/{digest}.json"


def feed_item_text(feed_id: str, digest: str) -> str:
    """The text of an item that waits for its digest."""
    return f"{FEED_ITEMS}{feed_id}/text/{digest}.html"


def feed_first_poll(feed_id: str) -> str:
    """Which items were there when the feed was added and are left out; created once."""
    return f"{FEED_ITEMS}{feed_id}/first.json"


def feed_digest(feed_id: str, window: str) -> str:
    """A digest of several items: its job and its items; created once, then replaced only over a known version."""
    return f"{FEED_ITEMS}{feed_id}/digests/{window}.json"


def queue(name: str) -> str:
    """Whether the service of a work queue shall take its messages; replaced only over a known version."""
    return f"{QUEUES}{name}.json"


def suspect(service: str, message_id: str, token: str = "") -> str:
    """A marker: the process `token` of a service is handling this redelivered message, alone.

    Each service has its own, since two may get the same message and only one die of it.
    """
    safe = "".join(character if character.isalnum() or character in "-_" else "-" for character in message_id[:64])
    return f"{QUARANTINE}{service}/{safe}/{token}"
