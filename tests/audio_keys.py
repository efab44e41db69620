"""Audio keys for tests that invent their own chunks."""

from __future__ import annotations

import hashlib


def audio_key_of(text: str) -> str:
    """A key in the form that messages require; equal texts have equal keys."""
    return f"audio/{hashlib.sha256(text.encode()).hexdigest()}.flac"
