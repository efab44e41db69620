"""Version 1 only gains fields: what it wrote in the past can be read, and so can what it will write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from shared.protocol.reading import read
from tests.unit.protocol.recordings import DOCUMENTS, RECORDED, Recording, all_messages


@pytest.mark.parametrize("recording", RECORDED, ids=lambda recording: recording.name)
@pytest.mark.parametrize("strict", [True, False], ids=["strict", "tolerant"])
def test_what_was_recorded_is_read_and_keeps_its_values(recording: Recording, strict: bool) -> None:
    recorded = json.loads(recording.data)
    read_now = json.loads(read(recording.model, recording.data, strict=strict).model_dump_json())
    assert _as_far_as(recorded, read_now) == recorded


@pytest.mark.parametrize("recording", RECORDED, ids=lambda recording: recording.name)
def test_fields_of_a_newer_version_are_ignored_from_our_own_and_refused_at_a_door(recording: Recording) -> None:
    newer = json.dumps({**json.loads(recording.data), "of_a_newer_version": {"deep": [1]}}).encode()
    assert read(recording.model, newer, strict=False) == read(recording.model, recording.data, strict=True)
    with pytest.raises(ValidationError, match="of_a_newer_version"):
        read(recording.model, newer, strict=True)


def test_every_message_and_document_was_recorded() -> None:
    recorded = {recording.model for recording in RECORDED}
    assert {*all_messages(), *DOCUMENTS.values()} <= recorded


def _as_far_as(recorded: Any, now: Any) -> Any:
    """The current content, without the fields that have been added since."""
    if isinstance(recorded, dict) and isinstance(now, dict):
        return {field: _as_far_as(value, now[field]) for field, value in recorded.items()}
    if isinstance(recorded, list) and isinstance(now, list) and len(recorded) == len(now):
        return [_as_far_as(*pair) for pair in zip(recorded, now, strict=True)]
    return now
