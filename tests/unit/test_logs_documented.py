"""docs/logs.md matches the calls of the log, and every key has a meaning."""

from docs.logs import ALWAYS, CONTEXT, DOCUMENT, KEYS, calls, written


def test_the_page_is_up_to_date() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == written(), "run: make docs"


def test_every_key_has_a_meaning() -> None:
    used = {key for call in calls() for key in call.keys}
    assert used <= ALWAYS.keys() | CONTEXT.keys() | KEYS.keys()


def test_no_meaning_is_of_a_key_that_nobody_uses() -> None:
    used = {key for call in calls() for key in call.keys} | {"tasks", "threads"}  # those two by unlocked_log
    assert KEYS.keys() <= used


def test_keys_of_every_record_are_left_to_it() -> None:
    assert [call for call in calls() if ALWAYS.keys() & set(call.keys)] == []
