"""Bytes into every message and document: invalid ones are a ValidationError, and valid ones survive being sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.protocol.messages import Frozen
from shared.protocol.reading import read
from tests.fuzz.profile import fuzz
from tests.unit.protocol.recordings import DOCUMENTS, RECORDED, all_messages

MODELS: tuple[type[Frozen], ...] = (*all_messages(), *dict.fromkeys(DOCUMENTS.values()))

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(["", "audio/", "\u0000", "x" * 10_000, 10**400, 1e308, "NaN", "jobs/job/../x"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A recorded message in which some fields are something else, or which is no message at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    document: dict[str, Any] = json.loads(draw(st.sampled_from(RECORDED)).data)
    for _ in range(draw(st.integers(0, 3))):
        field = draw(st.sampled_from(sorted(document)) | st.text(max_size=8)) if document else "x"
        if draw(st.booleans()):
            document.pop(field, None)
        else:
            document[field] = draw(VALUES)
    data = json.dumps(document).encode()
    return data[: draw(st.integers(0, len(data)))] if draw(st.integers(0, 9)) == 0 else data


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@fuzz
@given(data=spoilt(), strict=st.booleans())
def test_reading_raises_nothing_but_a_validation_error_and_what_is_read_survives_a_round_trip(
    model: type[Frozen], data: bytes, strict: bool
) -> None:
    try:
        message = read(model, data, strict=strict)
    except ValidationError:
        return
    again = read(model, message.model_dump_json(), strict=True)
    assert again == message
