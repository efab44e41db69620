"""Audio keys for tests that make up their own chunks."""

from __future__ import annotations

import hashlib


def audio_key_of(text: str) -> str:
    """A key of the form that messages must have; equal texts have equal keys."""
    return f"audio/{hashlib.sha256(text.encode()).hexdigest()}.flac"
