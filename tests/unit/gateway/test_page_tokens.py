"""What stands for a key in a browser: what it opens, and what it does not."""

from __future__ import annotations

import dataclasses

import pytest

from shared.client import api_keys
from shared.client.api_keys import ApiKey
from shared.client.page_tokens import PageToken

EXPIRES_AT = 1_764_000_600


def a_key() -> ApiKey:
    return api_keys.key_of(api_keys.new_token(), name="browser", scopes=("read",))


def test_a_token_is_what_it_was_after_it_was_written_and_read() -> None:
    key = a_key()
    token = PageToken.signed(key, "session", expires_at=EXPIRES_AT)
    assert PageToken.parse(str(token)) == token
    assert token.is_genuine(key, "session")


def test_a_ticket_is_no_session_and_a_session_is_no_ticket() -> None:
    key = a_key()
    ticket, session = (PageToken.signed(key, kind, expires_at=EXPIRES_AT) for kind in ("ticket", "session"))
    assert not ticket.is_genuine(key, "session")
    assert not session.is_genuine(key, "ticket")
    assert not PageToken("session", key.key_id, EXPIRES_AT, ticket.signature).is_genuine(key, "session")


def test_nobody_prolongs_a_token_or_makes_one_for_another_key() -> None:
    key, other = a_key(), a_key()
    token = PageToken.signed(key, "session", expires_at=EXPIRES_AT)
    assert not dataclasses.replace(token, expires_at=EXPIRES_AT + 1).is_genuine(key, "session")
    assert not token.is_genuine(other, "session")


@pytest.mark.parametrize("text", ["", "se_", "pe_0123456789ab_" + "5" * 64, "se_0123456789ab_176400060_" + "5" * 64])
def test_anything_else_is_no_token(text: str) -> None:
    assert PageToken.parse(text) is None
