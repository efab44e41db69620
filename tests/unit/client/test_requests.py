"""What the client sends, what it repeats, and what becomes of errors: against a server that answers as told."""

from __future__ import annotations

import json
import socket
import time
from email import message_from_bytes
from pathlib import Path

import pytest

import podcast_client as api
from podcast_client import AsyncPodcastClient, PodcastClient
from tests.unit.client.conftest import KEY, QUICK, SHORT, Answer, Scripted, of_json, problem

JOB = {"job_id": "j", "state": "queued", "updated_at": 1.5, "progress": 0, "from_the_future": {"a": 1}}


def test_a_job_is_read_and_fields_of_a_newer_server_are_ignored(scripted: Scripted, client: PodcastClient) -> None:
    scripted.answers = [of_json({**JOB, "chunks": {"total": 3, "done": 1, "new": 5}, "failures": [{"index": 2}]})]

    job = client.job("j")

    assert (job.state, job.chunks, job.failures[0].index) == ("queued", api.ChunkCounts(3, 1), 2)
    assert not job.has_ended
    assert scripted.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_an_answer_of_something_else_is_an_error_that_says_so(scripted: Scripted, client: PodcastClient) -> None:
    for body in (b"<html>", b"[]", b'{"state": "queued"}', b'{"job_id": 5, "state": "queued"}', b"[" * 100_000):
        scripted.answers = [Answer(200, body)]
        with pytest.raises(api.UnexpectedAnswer):
            client.job("j")


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        (400, "bad-request", api.InvalidRequest),
        (401, "unauthenticated", api.Unauthenticated),
        (403, "scope-missing", api.Forbidden),
        (404, "not-found", api.NotFound),
        (409, "conflict", api.Conflict),
        (413, "too-large", api.TooLarge),
        (422, "bad-input", api.InvalidRequest),
        (500, "internal-error", api.ServerError),
    ],
)
def test_a_problem_becomes_its_error_and_is_not_tried_again(
    scripted: Scripted, client: PodcastClient, status: int, kind: str, error: type[api.ApiError]
) -> None:
    scripted.answers = [problem(status, kind, "Why it is so.")]

    with pytest.raises(error, match=r"^Why it is so\.$") as raised:
        client.job("j")

    assert (raised.value.status, raised.value.kind, raised.value.title) == (status, kind, kind)
    assert len(scripted.requests) == 1


def test_an_outage_is_waited_for_as_long_as_the_server_says(scripted: Scripted, client: PodcastClient) -> None:
    scripted.answers = [problem(503, "unavailable", retry_after="1"), of_json(JOB)]
    began = time.monotonic()

    assert client.job("j").job_id == "j"

    assert time.monotonic() - began >= 1
    assert len(scripted.requests) == 2


def test_a_wait_that_does_not_fit_into_the_call_is_left_to_the_caller(
    scripted: Scripted, client: PodcastClient
) -> None:
    scripted.answers = [problem(429, "rate-limited", "Too many.", retry_after="60")]
    with pytest.raises(api.RateLimited) as raised:
        client.job("j")
    assert raised.value.retry_after == 60
    assert len(scripted.requests) == 1


def test_attempts_are_bounded(scripted: Scripted, client: PodcastClient) -> None:
    scripted.answers = [Answer(503, b"no json")]
    with pytest.raises(api.Unavailable):
        client.job("j")
    assert len(scripted.requests) == QUICK.attempts


def test_a_submission_has_one_key_however_often_it_is_sent(scripted: Scripted, client: PodcastClient) -> None:
    taken = {"job_id": "j", "links": {"self": "/v1/jobs/j"}}
    scripted.answers = [problem(503, "unavailable"), Answer(202, b"", cut_after=0), of_json(taken, 202)]
    scripted.answers[1] = Answer(202, json.dumps(taken).encode(), cut_after=5)

    assert client.submit(text="Hello.", title="Greeting", voice=None).job_id == "j"

    keys = {request.headers["idempotency-key"] for request in scripted.requests}
    assert (len(scripted.requests), len(keys)) == (3, 1)
    assert json.loads(scripted.requests[0].body) == {"text": "Hello.", "title": "Greeting"}
    client.submit(text="Hello.")
    assert scripted.requests[-1].headers["idempotency-key"] not in keys


def test_what_is_not_safe_to_repeat_is_sent_once(scripted: Scripted, client: PodcastClient) -> None:
    scripted.answers = [problem(503, "unavailable")]
    for call in (lambda: client.retry("j"), lambda: client.discard(ids=["abcd"]), lambda: client.prune(1)):
        scripted.requests.clear()
        with pytest.raises(api.Unavailable):
            call()
        assert len(scripted.requests) == 1


def test_a_deletion_whose_answer_was_lost_has_succeeded(scripted: Scripted, client: PodcastClient) -> None:
    scripted.answers = [problem(503, "unavailable"), problem(404, "not-found")]
    client.delete("j")
    assert [request.path for request in scripted.requests] == ["/v1/jobs/j?purge=true"] * 2
    with pytest.raises(api.NotFound):  # the first attempt found nothing
        client.delete("j")


def test_a_file_is_sent_as_a_form_with_its_options(scripted: Scripted, client: PodcastClient, tmp_path: Path) -> None:
    document = tmp_path / "essay.md"
    document.write_bytes(b"# Essay\n" * 1000)
    scripted.answers = [problem(503, "unavailable"), of_json({"job_id": "j"}, 202)]

    client.submit(file=document, cover=b"\x89PNG", formats=["mp3", "m4b"])

    for request in scripted.requests:
        head = f"content-type: {request.headers['content-type']}\r\n\r\n".encode()
        form = message_from_bytes(head + request.body).get_payload()
        sent = {part.get_param("name", header="content-disposition"): part for part in form}  # type: ignore[union-attr]
        assert sent["file"].get_filename() == "essay.md"  # type: ignore[union-attr]
        assert sent["file"].get_payload(decode=True) == document.read_bytes()  # type: ignore[union-attr]
        assert json.loads(sent["options"].get_payload()) == {"formats": ["mp3", "m4b"]}  # type: ignore[union-attr, arg-type]
        assert sorted(sent) == ["cover", "file", "options"]


def test_exactly_one_source_is_needed(client: PodcastClient) -> None:
    for sources in ({}, {"text": "a", "url": "http://b"}):
        with pytest.raises(ValueError, match="exactly one"):
            client.submit(**sources)


@pytest.mark.parametrize("job_id", ["../keys", "a/b", "a?purge=true", "a#b", "ä", "%2e%2e"])
def test_an_id_never_leads_to_another_address(scripted: Scripted, client: PodcastClient, job_id: str) -> None:
    scripted.answers = [of_json(JOB)]
    client.job(job_id)
    path = scripted.requests[0].path
    assert path.startswith("/v1/jobs/")
    assert not set(path.removeprefix("/v1/jobs/")) & set("/?#")


@pytest.mark.parametrize("job_id", ["", ".", ".."])
def test_an_id_that_proxies_would_resolve_is_refused(client: PodcastClient, job_id: str) -> None:
    with pytest.raises(ValueError, match="cannot be the id"):
        client.job(job_id)


def test_pages_are_fetched_until_there_is_no_next(scripted: Scripted, client: PodcastClient) -> None:
    pages = [{"jobs": [JOB, JOB], "next": "a b"}, {"jobs": [], "next": "c"}, {"jobs": [JOB], "next": None}]
    scripted.answers = [of_json(page) for page in pages]

    assert len(list(client.jobs(states=("failed", "completed"), since=5.0))) == 3

    query = "state=failed&state=completed&since=5.0&limit=50"
    assert [request.path for request in scripted.requests] == [
        f"/v1/jobs?{query}",
        f"/v1/jobs?{query}&cursor=a+b",
        f"/v1/jobs?{query}&cursor=c",
    ]


def test_a_server_that_trickles_is_given_up(scripted: Scripted) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        del scripted
        with PodcastClient(url, "", timeouts=SHORT, retries=QUICK) as client:
            began = time.monotonic()
            with pytest.raises(api.TooSlow):
                client.job("j")  # the connection is made by the kernel, and nobody ever answers
            assert time.monotonic() - began < 3 * SHORT.call


async def test_the_asynchronous_client_has_one_deadline_for_all_attempts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with AsyncPodcastClient(url, "", timeouts=SHORT, retries=QUICK) as client:
            began = time.monotonic()
            with pytest.raises(api.TooSlow):
                await client.job("j")
            assert time.monotonic() - began < SHORT.call + 0.5


def test_nobody_at_the_address_is_tried_again_whatever_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("podcast_client.sync_transport.io.sleep", slept.append)
    with PodcastClient("http://127.0.0.1:9", "", retries=QUICK) as client, pytest.raises(api.Unreachable) as raised:
        client.retry("j")
    assert not raised.value.was_sent
    assert len(slept) == QUICK.attempts - 1


def test_the_environment_names_the_server_and_the_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="set PODCAST_API_URL"):
        PodcastClient()
    monkeypatch.setenv("PODCAST_API_URL", "http://127.0.0.1:1/")
    (tmp_path / "key").write_text("pe_1\n")
    monkeypatch.setenv("PODCAST_API_KEY_FILE", str(tmp_path / "key"))
    configuration = PodcastClient().configuration
    assert (configuration.url, configuration.key) == ("http://127.0.0.1:1", "pe_1")
    assert "pe_1" not in repr(configuration)
    monkeypatch.setenv("PODCAST_API_KEY", "pe_2")
    assert PodcastClient().configuration.key == "pe_2"


@pytest.mark.parametrize(
    ("url", "key"), [("ftp://a", ""), ("127.0.0.1:8080", ""), ("http://u:p@host", ""), ("http://a", "two words")]
)
def test_an_address_or_key_that_cannot_be_one_is_refused_at_once(url: str, key: str) -> None:
    with pytest.raises(ValueError, match=r"address|key"):
        PodcastClient(url, key)


def test_a_key_goes_to_no_other_host(scripted: Scripted, client: PodcastClient) -> None:
    scripted.answers = [Answer(302, b"", {"location": "http://127.0.0.1:9/"})]
    with pytest.raises(api.ServerError):
        client.job("j")
    assert len(scripted.requests) == 1


def test_a_proxy_of_the_environment_never_sees_the_key_of_this_machines_server(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    scripted.answers = [of_json(JOB)]
    with PodcastClient(scripted.url, KEY, timeouts=SHORT, retries=QUICK) as client:
        assert client.job("j").job_id == "j"
