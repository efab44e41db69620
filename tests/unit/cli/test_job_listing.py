"""`podcast jobs`: a header, dates, sources, states, pages."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from services.cli import columns
from services.cli.job_listing import local_time
from shared.protocol.messages import JobRequest, JobState, ObjectSource, Source, TextSource, UrlSource
from shared.store import keys
from shared.store.port import Store
from tests.unit.cli.conftest import Podcast, a_status, put_status

NOON = 1_795_521_600.0


def a_job(
    store: Store, number: int, state: JobState = "completed", source: Source | None = None, title: str = "A Title"
) -> str:
    job_id = f"0193f0a2-7b6e-7c7e-9d0e-{number:012x}"
    put_status(store, a_status(job_id, state, title=title, submitted_at=NOON + number))
    request = JobRequest(job_id=job_id, source=source or TextSource(text="x"))
    asyncio.run(store.put(keys.request(job_id), request.model_dump_json().encode()))
    return job_id


def of_the_job(number: int, file: str, *, name: str) -> ObjectSource:
    return ObjectSource(key=keys.source(f"0193f0a2-7b6e-7c7e-9d0e-{number:012x}", file), name=name)


@pytest.fixture
def three(store: Store) -> list[str]:
    url = UrlSource.model_validate({"url": "https://anna:secret@example.org/essay.html"})
    return [
        a_job(store, 1, source=of_the_job(1, "document.epub", name="book.epub")),
        a_job(store, 2, "failed", source=url),
        a_job(store, 3, "synthesizing"),
    ]


def test_each_job_has_its_date_state_progress_source_and_title(podcast: Podcast, three: list[str]) -> None:
    header, newest, middle, oldest = podcast("jobs").stdout.splitlines()
    assert header.split() == ["ID", "SUBMITTED", "STATE", "CHUNKS", "SOURCE", "TITLE"]
    assert [line.split()[0] for line in (oldest, middle, newest)] == three
    assert local_time(NOON + 1) in oldest
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d  completed +3/3  book\.epub +A Title$", oldest)
    assert "https://example.org/essay.html" in middle
    assert "secret" not in podcast("jobs").stdout + podcast("jobs", "--json").stdout
    assert re.search(r" text +A Title$", newest)


def test_on_a_terminal_of_80_columns_every_line_fits_and_every_id_is_whole(
    podcast: Podcast, three: list[str], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    three.append(a_job(store, 4, title="語" * 100, source=of_the_job(4, "x", name="n" * 200)))
    monkeypatch.setattr(columns, "terminal_width", lambda: 80)
    lines = podcast("jobs").stdout.splitlines()
    assert len(lines) == 10
    assert all(columns.cell_len(line) <= 80 for line in lines)
    assert [line.split()[0] for line in lines[3::2]] == three[::-1]


def test_jobs_are_filtered_by_state(podcast: Podcast, three: list[str]) -> None:
    def listed(*states: str) -> list[str]:
        options = [word for state in states for word in ("--state", state)]
        return [job["job_id"] for job in json.loads(podcast("jobs", "--json", *options).stdout)]

    assert listed("failed") == [three[1]]
    assert listed("failed", "completed") == [three[1], three[0]]
    assert listed("queued") == []
    assert podcast("jobs", "--state", "queued").stderr == "There are no such jobs.\n"
    assert podcast("jobs", "--state", "faild").exit_code == 2


def test_a_page_says_how_to_go_on(podcast: Podcast, three: list[str]) -> None:
    first = podcast("jobs", "-n", "2")
    assert [line.split()[0] for line in first.stdout.splitlines()[1:]] == [three[2], three[1]]
    hint = re.search(r"`podcast (jobs .*)`", first.stderr)
    assert hint
    second = podcast(*hint[1].split())
    assert [line.split()[0] for line in second.stdout.splitlines()[1:]] == [three[0]]
    assert second.stderr == ""
    assert podcast("jobs", "--before", "../x").exit_code == 2


def test_a_request_that_cannot_be_read_hides_no_job(podcast: Podcast, three: list[str], store: Store) -> None:
    asyncio.run(store.put(keys.request(three[0]), b"\x00 not JSON"))
    assert three[0] in podcast("jobs").stdout


def test_a_time_that_is_none_is_a_dash() -> None:
    assert [local_time(seconds) for seconds in (0.0, 1e300, -1.0)] == ["-", "-", "-"]
