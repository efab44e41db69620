"""The copy of the broker's log: resumed by id, continued after a lost connection, begun again where it was lost."""

from __future__ import annotations

from services.gateway import event_log
from services.gateway.event_log import LIMIT, Change, Log


def change(offset: int, text: str = "") -> Change:
    body = (text or f"event {offset}").encode()
    return Change(event_log.identity(offset, body), body)


def ids(changes: list[Change] | None) -> list[int]:
    assert changes is not None
    return [int(one.identity.partition("-")[0]) for one in changes]


def filled(count: int) -> Log:
    log = Log()
    log.reread([change(offset) for offset in range(count)])
    return log


def test_a_client_goes_on_after_its_id() -> None:
    log = filled(5)
    place = log.place_after(change(2).identity)
    assert place == 3
    assert ids(log.after(place, limit=10)) == [3, 4]
    assert ids(log.after(place, limit=1)) == [3]


def test_the_same_offset_of_another_log_is_another_id() -> None:
    assert filled(5).place_after(change(2, "another log's").identity) is None


def test_after_a_lost_connection_only_what_is_new_is_added() -> None:
    log = filled(3)
    assert ids(log.reread([change(offset) for offset in range(1, 6)])) == [3, 4, 5]
    assert (log.end, log.generation) == (6, 0)


def test_a_log_that_was_begun_again_replaces_the_past() -> None:
    log = filled(3)
    assert ids(log.reread([change(0, "new"), change(1, "newer")])) == [0, 1]
    assert log.generation == 1
    assert log.place_after(change(2).identity) is None
    assert log.after(2, limit=10) is None, "a place from before is lost"


def test_a_log_that_is_empty_again_is_begun_again() -> None:
    log = filled(3)
    assert log.reread([]) == []
    assert log.generation == 1
    assert log.after(2, limit=10) is None


def test_the_oldest_are_dropped() -> None:
    log = filled(0)
    for offset in range(3 * LIMIT):
        log.append(change(offset))
    assert log.place_after(change(0).identity) is None
    assert log.after(0, limit=1) is None
    last = log.place_after(change(3 * LIMIT - 2).identity)
    assert last is not None
    assert ids(log.after(last, limit=10)) == [3 * LIMIT - 1]


def test_what_is_no_event_is_left_out() -> None:
    broken = change(0, "no event")
    assert (broken.status, broken.encoded) == (None, b"")
