"""Event tokens: what one opens, and what it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.event_tokens import ALL_JOBS, EventToken
from shared.client import api_keys
from shared.client.api_keys import ApiKey

EXPIRES_AT = 1_764_000_600


def a_key() -> ApiKey:
    return api_keys.key_of(api_keys.new_token(), name="page", scopes=("read",))


def test_a_token_is_what_it_was_after_it_was_written_and_read() -> None:
    key = a_key()
    token = EventToken.signed(key, "job-1", expires_at=EXPIRES_AT)
    read = EventToken.parse(str(token))
    assert read == token
    assert (token.key_id, token.expires_at) == (key.key_id, EXPIRES_AT)
    assert token.is_genuine(key, "job-1")


@pytest.mark.parametrize("subject", ["job-2", "job-", "job-1 ", ALL_JOBS, ""])
def test_a_token_opens_one_job_and_nothing_else(subject: str) -> None:
    key = a_key()
    assert not EventToken.signed(key, "job-1", expires_at=EXPIRES_AT).is_genuine(key, subject)


def test_a_token_for_all_jobs_opens_no_single_one() -> None:
    key = a_key()
    token = EventToken.signed(key, ALL_JOBS, expires_at=EXPIRES_AT)
    assert token.is_genuine(key, ALL_JOBS)
    assert not token.is_genuine(key, "job-1")


def test_a_token_cannot_be_made_to_last_longer_or_be_another_keys() -> None:
    key, other = a_key(), a_key()
    token = EventToken.signed(key, "job-1", expires_at=EXPIRES_AT)
    assert not EventToken(token.key_id, EXPIRES_AT + 1, token.signature).is_genuine(key, "job-1")
    assert not EventToken(other.key_id, EXPIRES_AT, token.signature).is_genuine(other, "job-1")
    renewed = other.model_copy(update={"key_id": key.key_id})
    assert not token.is_genuine(renewed, "job-1")


@given(st.text())
def test_whatever_is_sent_is_a_token_or_none(text: str) -> None:
    found = EventToken.parse(text)
    assert found is None or str(found) == text
