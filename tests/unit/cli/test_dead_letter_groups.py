"""`podcast dlq list`: one line for similar dead letters, which fits 80 columns."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta

import pytest

from services.cli import columns, dead_letter_display, dead_letter_groups
from services.cli.backends.direct import DirectBackend
from services.cli.dead_letter_groups import age, grouped, short_ids
from shared.dead_letters.grouping import sentence
from shared.dead_letters.letter import DeadLetter
from shared.errors import StoreDown
from shared.settings import Settings
from shared.store.port import Store
from tests.unit.cli.conftest import a_status, put_status

JOB = "0193f0a2-7b6e-7c7e-9d0e-2f4f7a1f6a11"
REASON = (
    "The speech server at http://127.0.0.1:8880 does not know the voice 'nobody': No such voice. Name a voice it has."
)


def letter(index: int, *, job_id: str | None = JOB, reason: str = REASON, minutes: int = 5) -> DeadLetter:
    return DeadLetter(
        id=f"{index:012x}",
        queue="synthesizer",
        job_id=job_id,
        chunk=index,
        reason=reason,
        error="SpeechRejected",
        attempts=(),
        time=(datetime.now(UTC) - timedelta(minutes=minutes)).isoformat(timespec="seconds"),
        text="x",
        type="chunk.requested",
        size_bytes=10,
        replays=0,
        stacktrace="Traceback",
        message_id=None,
    )


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "terminal_width", lambda: 80)


@pytest.mark.usefixtures("terminal")
def test_a_hundred_letters_of_one_cause_are_one_line_of_80_columns() -> None:
    letters = [letter(index << 36, minutes=5 + index) for index in range(100)]
    shown = dead_letter_display.summary(grouped(letters), {JOB: "The Lighthouse, and What Came After It"})
    header, line = shown.splitlines()
    assert header.split() == ["ID", "N", "QUEUE", "JOB", "AGE", "REASON"]
    assert len(line) <= 80
    assert line.split()[:3] == ["0000", "100", "synthesizer"]
    assert "The Lighthouse,…" in line
    assert " 5 min " in line
    assert "  Speech server does not know" in line


@pytest.mark.usefixtures("terminal")
def test_without_the_store_a_job_is_its_id() -> None:
    shown = dead_letter_display.summary(grouped([letter(1)]), {})
    assert f"…{JOB[-15:]}" in shown


def test_where_nobody_cuts_lines_the_whole_sentence_and_id_are_there() -> None:
    shown = dead_letter_display.summary(grouped([letter(1)]), {})
    assert JOB in shown
    assert shown.endswith("does not know the voice 'nobody': No such voice.")


def test_groups_differ_by_queue_job_and_reason() -> None:
    letters = [letter(1), letter(2, job_id="other"), letter(3, reason="Something else."), letter(4), letter(5)]
    assert [len(group.letters) for group in grouped(letters)] == [3, 1, 1]


@pytest.mark.parametrize(
    ("reason", "first"),
    [
        ("One. Two.", "One."),
        ("It took 1.5 s at 127.0.0.1:80. Wait.", "It took 1.5 s at 127.0.0.1:80."),
        ("No end", "No end"),
        ("A line\nand another. Third.", "A line and another."),
        ("", ""),
    ],
)
def test_a_reason_is_told_by_its_first_sentence(reason: str, first: str) -> None:
    assert sentence(reason) == first


def test_short_ids_name_one_letter_each() -> None:
    letters = [letter(0xABCD00000000), letter(0xABCD01000000), letter(0xEF0000000000)]
    names = short_ids(letters)
    assert sorted(names.values()) == ["abcd00", "abcd01", "ef0000"]
    assert short_ids([letter(0xABCD00000000)]) == {"abcd00000000": "abcd"}


@pytest.mark.parametrize(
    ("seconds", "shown"), [(5, "5 s"), (119, "1 min"), (7_200, "2 h"), (86_400 * 3, "3 d"), (-5, "0 s")]
)
def test_an_age_is_for_people(seconds: float, shown: str) -> None:
    now = datetime.now(UTC)
    assert age(now - timedelta(seconds=seconds), now) == shown
    assert age(None, now) == "-"


async def test_titles_come_from_the_store(store: Store) -> None:
    await store.ping()
    settings = Settings(store_url=os.environ["PODCAST_STORE_URL"])
    assert await dead_letter_groups.titles(DirectBackend(settings), [JOB]) == {}


def test_titles_that_are_there_are_found(store: Store) -> None:
    put_status(store, a_status(JOB, title="The Lighthouse\x1b"))
    settings = Settings(store_url=os.environ["PODCAST_STORE_URL"])
    import asyncio  # noqa: PLC0415 - only here

    assert asyncio.run(dead_letter_groups.titles(DirectBackend(settings), [JOB, None, JOB])) == {
        JOB: "The Lighthouse\\x1b"
    }


async def test_a_store_that_is_down_costs_no_more_than_its_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    async def down(_: Settings) -> Store:
        raise StoreDown("The store is down.")

    monkeypatch.setattr("services.cli.backends.direct.reachable_store", down)
    assert await dead_letter_groups.titles(DirectBackend(Settings()), [JOB]) == {}
    assert sys.version_info


def test_a_traceback_is_shown_only_on_demand() -> None:
    assert "Traceback" not in dead_letter_display.page(letter(1))
    assert "Traceback" in dead_letter_display.page(letter(1), debug=True)
