"""Jobs are listed one page at a time, and only what is shown is read."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.client import job_ids
from shared.client.job_pages import JobFilter, jobs_page
from shared.protocol.messages import JobRequest, JobState, TextSource, new_job_id
from shared.store import keys
from shared.store.folder import FileStore
from tests.unit.cli.conftest import Podcast, a_status


class Counting(FileStore):
    """Counts its calls by kind."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, deadline_seconds=60)
        self.calls: Counter[str] = Counter()

    async def _run(self, doing: str, call: Any, *, size_bytes: int = 0) -> Any:
        self.calls[doing.split(" ", 1)[0]] += 1
        return await super()._run(doing, call, size_bytes=size_bytes)


@pytest.fixture
def counting(tmp_path: Path) -> Counting:
    return Counting(tmp_path / "store")


def fill(store: FileStore, ids: list[str], state: JobState = "completed") -> None:
    """Write jobs straight to disk; creating ten thousand of them through the store would take a minute."""
    for job_id in ids:
        folder = store.root / "jobs" / job_id
        folder.mkdir(parents=True)
        (folder / "status.json").write_text(a_status(job_id, state).model_dump_json())
        (folder / "request.json").write_text("{}")


def an_id(seconds: float) -> str:
    """A UUIDv7 that was made at this time."""
    number = (round(seconds * 1_000) << 80) | (7 << 76) | (2 << 62) | random.getrandbits(62)
    return str(UUID(int=number))


async def test_the_newest_page_of_a_year_of_jobs_costs_a_few_looks_and_a_read_a_job(counting: Counting) -> None:
    now = time.time()
    ids = [an_id(now - 31_536_000 * (1 - number / 20_000)) for number in range(20_000)]
    fill(counting, ids)
    page = await jobs_page(counting, limit=100)
    assert [status.job_id for status in page.jobs] == ids[:-101:-1]
    assert counting.calls["list"] <= 12
    counting.calls.clear()
    page = await jobs_page(counting, limit=100, before=ids[10_000])
    assert [status.job_id for status in page.jobs] == ids[9_999:9_899:-1]
    assert counting.calls["list"] <= 12


@given(
    ages=st.lists(st.floats(0, 4e7) | st.floats(0, 0.003), max_size=40),
    chosen=st.lists(st.from_regex(r"\A[0-9A-Za-z][0-9A-Za-z_-]{0,5}\Z"), max_size=10),
    limit=st.integers(1, 9),
    page_names=st.integers(1, 12),
)
@settings(max_examples=60, deadline=None)
def test_pages_of_any_ids_follow_each_other_without_gap_or_overlap(
    ages: list[float], chosen: list[str], limit: int, page_names: int
) -> None:
    async def check(store: FileStore) -> None:
        ids = {an_id(time.time() - age) for age in ages} | {name.rstrip("-") for name in chosen}
        fill(store, list(ids))
        seen: list[str] = []
        before: str | None = ""
        while before is not None:
            page = await jobs_page(store, limit=limit, before=before)
            seen += [status.job_id for status in page.jobs]
            before = page.next
        assert seen == sorted(ids, key=lambda job_id: f"{job_id}/", reverse=True)

    with tempfile.TemporaryDirectory() as folder, mock.patch.object(job_ids, "PAGE", page_names):
        asyncio.run(check(FileStore(Path(folder), deadline_seconds=60)))


async def test_a_filter_by_time_reads_only_what_lies_in_it(counting: Counting) -> None:
    now = time.time()
    ids = [an_id(now - 100_000 + 100 * number) for number in range(1_000)]
    fill(counting, [*ids, "my-own-id"])
    wanted = JobFilter(since=now - 50_050, until=now - 49_550)
    page = await jobs_page(counting, wanted=wanted)
    assert [status.job_id for status in page.jobs] == ids[504:499:-1]
    assert page.next is None
    assert counting.calls["read"] <= 6
    assert (await jobs_page(counting, wanted=JobFilter(until=10.0))).jobs == [a_status("my-own-id")]


async def test_a_filter_that_finds_little_stops_and_says_where_to_go_on(counting: Counting) -> None:
    fill(counting, [f"{number:03}" for number in range(300)])
    fill(counting, ["000-found"], "failed")
    wanted = JobFilter(states=frozenset({"failed"}))
    page = await jobs_page(counting, limit=10, wanted=wanted, looks_limit=120)
    assert (page.jobs, page.next) == ([], "180")
    assert counting.calls["read"] <= 130
    page = await jobs_page(counting, limit=10, before="180", wanted=wanted, looks_limit=500)
    assert ([status.job_id for status in page.jobs], page.next) == (["000-found"], None)


async def test_titles_are_found_by_a_part_of_them_whatever_the_case(counting: Counting) -> None:
    for job_id, title in (("a", "Die STRASSE"), ("b", "Die Straße"), ("c", "Der Weg")):
        await counting.put(keys.status(job_id), a_status(job_id, title=title).model_dump_json().encode())
    page = await jobs_page(counting, wanted=JobFilter(title="straße"))
    assert [status.job_id for status in page.jobs] == ["b", "a"]


async def test_the_newest_page_of_ten_thousand_jobs_of_one_moment_costs_a_bounded_number_of_looks(
    counting: Counting,
) -> None:
    ids = sorted(new_job_id() for _ in range(10_000))
    fill(counting, ids)
    page = await jobs_page(counting, limit=100)
    assert [status.job_id for status in page.jobs] == ids[:-101:-1]
    assert page.next == ids[-100]
    assert counting.calls["list"] <= 40
    assert counting.calls["read"] <= 200
    assert counting.calls.total() <= 240


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
@pytest.mark.parametrize("in_memory", [2, 20_000])
async def test_pages_follow_each_other_without_gap_or_overlap(
    counting: Counting, monkeypatch: pytest.MonkeyPatch, limit: int, in_memory: int
) -> None:
    monkeypatch.setattr(job_ids, "_IDS_AT_A_TIME", in_memory)
    ids = ["0", "a", "a-b", "a0", "b", "b_c", "my-own-id"]
    fill(counting, ids)
    seen: list[str] = []
    before: str | None = ""
    while before is not None:
        page = await jobs_page(counting, limit=limit, before=before)
        assert len(page.jobs) <= limit
        seen += [status.job_id for status in page.jobs]
        before = page.next
    assert seen == sorted(ids, key=lambda job_id: f"{job_id}/", reverse=True)


async def test_a_job_nobody_has_taken_yet_is_listed_and_what_is_no_job_is_not(counting: Counting) -> None:
    fill(counting, ["b"])
    request = JobRequest(job_id="c", source=TextSource(text="x"))
    await counting.put(keys.request("c"), request.model_dump_json().encode())
    await counting.put("jobs/odd/source/status.json", b"a client's document that is called so")
    await counting.put("jobs/no id of a job/status.json", b"")
    page = await jobs_page(counting)
    assert [(status.job_id, status.state) for status in page.jobs] == [("c", "queued"), ("b", "completed")]
    assert page.next is None


async def test_a_status_that_cannot_be_read_hides_no_other_job(counting: Counting) -> None:
    fill(counting, ["a", "c"])
    await counting.put(keys.status("b"), b"\xff{")
    await counting.put(keys.request("d"), b"[]")
    for states in (None, frozenset({"completed"})):
        page = await jobs_page(counting, wanted=JobFilter(states=states))  # type: ignore[arg-type] # a literal's type is too wide
        assert [status.job_id for status in page.jobs] == ["c", "a"]
        assert page.unreadable == ["d", "b"]
    rest = await jobs_page(counting, limit=2)
    assert ([status.job_id for status in rest.jobs], rest.unreadable, rest.next) == (["c"], ["d"], "c")


async def test_fields_of_a_newer_version_are_no_hindrance(counting: Counting) -> None:
    status = a_status("a").model_dump_json().replace("{", '{"mood": "sunny", ', 1)
    await counting.put(keys.status("a"), status.encode())
    assert [found.job_id for found in (await jobs_page(counting)).jobs] == ["a"]


async def test_a_filter_reads_until_the_page_is_full(counting: Counting) -> None:
    fill(counting, [f"{number:03}" for number in range(0, 300, 3)], "failed")
    fill(counting, [f"{number:03}" for number in range(300) if number % 3])
    first = await jobs_page(counting, limit=10, wanted=JobFilter(states=frozenset({"failed"})))
    assert [status.job_id for status in first.jobs] == [f"{number:03}" for number in range(297, 267, -3)]
    assert counting.calls["read"] < 100
    second = await jobs_page(
        counting, limit=100, before=first.next or "", wanted=JobFilter(states=frozenset({"failed"}))
    )
    assert [status.job_id for status in second.jobs] == [f"{number:03}" for number in range(267, -1, -3)]
    assert second.next is None


async def test_only_jobs_that_are_under_way_are_read_for_a_state_of_theirs(counting: Counting) -> None:
    fill(counting, [f"{number:03}" for number in range(200)])
    fill(counting, ["working", "assembled"], "synthesizing")
    for job_id in ("working", "assembled", "100"):
        await counting.put(keys.active(job_id), b"")
    page = await jobs_page(counting, wanted=JobFilter(states=frozenset({"synthesizing", "chunking"})))
    assert [status.job_id for status in page.jobs] == ["working", "assembled"]
    assert counting.calls["read"] == 3


def test_the_command_names_what_cannot_be_read(
    counting: Counting, podcast: Podcast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PODCAST_STORE_URL", counting.url)
    fill(counting, ["a"])
    asyncio.run(counting.put(keys.status("b"), b"no status"))
    result = podcast("jobs")
    assert result.exit_code == 0
    assert "completed" in result.stdout
    assert "b" in result.stderr
    shown = podcast("status", "b")
    assert (shown.exit_code, "job b cannot be read" in shown.stderr) == (2, True)
