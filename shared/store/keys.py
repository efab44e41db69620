"""The keys of the object store. No key is spelled out anywhere else."""

from __future__ import annotations

JOBS = "jobs/"
ACTIVE = "active/"
AUDIO = "audio/"
API_KEYS = "access/keys/"
WEBHOOKS = "webhooks/"
RETENTION = "maintenance/retention.json"
"""When old jobs were last removed; the process that succeeds in replacing it removes them this time."""


def job(job_id: str) -> str:
    """The prefix of all keys of a job."""
    return f"{JOBS}{job_id}/"


def request(job_id: str) -> str:
    """The job's request; immutable."""
    return f"{JOBS}{job_id}/request.json"


def source(job_id: str, name: str) -> str:
    """A document that a client submits with its job."""
    return f"{JOBS}{job_id}/source/{name}"


def manifest(job_id: str) -> str:
    """Chapters, chunks, audio keys, pauses; written by the chunker."""
    return f"{JOBS}{job_id}/manifest.json"


def status(job_id: str) -> str:
    """The job's status; written by the coordinator alone."""
    return f"{JOBS}{job_id}/status.json"


def episode(job_id: str, extension: str) -> str:
    """The finished audio, or what belongs to it (`vtt`, `chapters.json`, `timing.json`)."""
    return f"{JOBS}{job_id}/episode.{extension}"


def active(job_id: str) -> str:
    """An empty object that exists until the job has ended; a restarted coordinator lists these."""
    return f"{ACTIVE}{job_id}"


def api_key(key_id: str) -> str:
    """A key of the HTTP API: its hash, its scopes."""
    return f"{API_KEYS}{key_id}.json"


def webhook(endpoint_id: str) -> str:
    """An endpoint that webhooks are sent to: its address, its secrets."""
    return f"{WEBHOOKS}{endpoint_id}.json"


def suspect(message_id: str, token: str = "") -> str:
    """A marker: the process `token` is handling this redelivered message, alone."""
    safe = "".join(character if character.isalnum() or character in "-_" else "-" for character in message_id[:64])
    return f"quarantine/{safe}/{token}"
