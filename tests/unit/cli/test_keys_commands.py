"""`podcast keys` as typed by an operator."""

from __future__ import annotations

import asyncio
import json

import pytest

from shared.client import api_keys
from shared.store.port import Store
from tests.unit.cli.conftest import Podcast


def test_a_key_is_made_listed_and_revoked(podcast: Podcast, store: Store) -> None:
    made = podcast("keys", "add", "phone", "--scope", "read", "--limit", "60/min")
    assert made.exit_code == 0, made.stderr
    token = made.stdout.strip()
    parsed = api_keys.parse(token)
    assert parsed is not None
    key_id, secret = parsed
    kept = asyncio.run(api_keys.find(store, key_id))
    assert kept is not None
    assert api_keys.opens(kept, secret)
    assert (kept.name, kept.scopes, kept.requests_per_minute) == ("phone", ("read",), 60)

    listed = podcast("keys", "list").stdout
    assert f"{key_id}  " in listed
    assert listed.splitlines()[1].split()[3:] == ["read", "60/min", "valid", "phone"]
    assert secret not in listed + podcast("keys", "list", "--json").stdout

    assert podcast("keys", "revoke", key_id).stdout == f"revoked {key_id} (phone)\n"
    assert podcast("keys", "list").stdout.splitlines()[1].split()[5] == "revoked"
    assert podcast("keys", "revoke", key_id).exit_code == 0, "twice is once"


def test_a_key_may_submit_and_read_if_nobody_says_otherwise(podcast: Podcast, store: Store) -> None:
    made = json.loads(podcast("keys", "add", "feeds", "--json").stdout)
    assert (made["name"], made["scopes"], made["requests_per_minute"]) == ("feeds", ["submit", "read"], None)
    parsed = api_keys.parse(made["key"])
    assert parsed is not None
    assert made["key_id"] == parsed[0]
    assert asyncio.run(api_keys.find(store, made["key_id"])) is not None


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "x", "--limit", "fast"], "write 60/min"),
        (["add", "x", "--limit", "0"], "write 60/min"),
        (["add", " "], "has no name"),
        (["add", "two\nlines"], "name cannot be used"),
        (["add", "x", "--scope", "root"], "'root'"),
        (["revoke", "../../jobs"], "is no id of a key"),
        (["revoke", "ffffffffffff"], "There is no key"),
    ],
)
def test_what_makes_no_sense_is_refused(podcast: Podcast, words: list[str], said: str) -> None:
    result = podcast("keys", *words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert podcast("keys", "list").stderr == "There are no keys.\n"
