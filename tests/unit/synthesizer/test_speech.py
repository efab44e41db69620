"""Speaking over real connections to servers that are good, bad, slow, or gone."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import psutil
import pytest

from services.synthesizer.speech import SpeechPool, Spoken
from shared.errors import (
    BadAudio,
    DeadlineExceeded,
    Misconfigured,
    Outage,
    PodcastError,
    SpeechDown,
    SpeechRejected,
    Transient,
)
from shared.settings import Settings
from tests.unit.synthesizer import speech_server
from tests.unit.synthesizer.sounds import TEXT, espeak
from tests.unit.synthesizer.speech_server import Answer, SpeechServer, fails, sends, serving

pytestmark = pytest.mark.anyio

GOOD = sends(espeak(), content_type="audio/wav")
DEADLINE_SECONDS = 15.0
"""Far off: a busy machine must not be mistaken for a hostile server."""
SHORT_SECONDS = 0.4
"""For servers that never answer."""


def pool_of(
    *servers: SpeechServer | str, clock: Callable[[], float] = time.monotonic, **settings: float | str
) -> SpeechPool:
    urls = ",".join(server if isinstance(server, str) else server.url for server in servers)
    fast = {"speech_deadline_seconds": DEADLINE_SECONDS, "connect_timeout_seconds": 15.0, "breaker_open_seconds": 30.0}
    return SpeechPool(Settings.model_validate({"speech_url": urls, **fast, **settings}), clock=clock)


async def speak(pool: SpeechPool, text: str = TEXT, *, avoid: str | None = None) -> Spoken:
    return await pool.speak(text, voice="nova", model="tts-1", speed=1.25, avoid=avoid)


async def failure_of(answer: Answer, *, speech_deadline_seconds: float = DEADLINE_SECONDS) -> PodcastError:
    """What `speak` raises with one server that answers like this."""
    async with serving(answer) as server, pool_of(server, speech_deadline_seconds=speech_deadline_seconds) as pool:
        with pytest.raises(PodcastError) as raised:
            await speak(pool)
    assert server.url in str(raised.value) or isinstance(raised.value, DeadlineExceeded)
    return raised.value


def nobody() -> str:
    """An address that refuses connections."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


async def test_it_sends_every_field_every_time() -> None:
    async with serving(GOOD) as server, pool_of(server) as pool:
        spoken = await speak(pool)

    assert spoken == (espeak(), server.url)
    assert server.paths == ["/v1/audio/speech"]
    assert server.asked == [
        {"model": "tts-1", "input": TEXT, "voice": "nova", "response_format": "wav", "speed": 1.25, "stream": False}
    ]


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/audio/speech"])
async def test_the_address_may_be_written_with_or_without_the_route(suffix: str) -> None:
    async with serving(GOOD) as server, pool_of(server.url + suffix) as pool:
        await speak(pool)

    assert server.paths == ["/v1/audio/speech"]


async def test_the_key_goes_out_as_a_bearer_token_and_only_if_there_is_one() -> None:
    async with serving(GOOD) as server:
        async with pool_of(server, speech_api_key="sesame") as pool:
            await speak(pool)
        async with pool_of(server) as pool:
            await speak(pool)

    assert [headers.get("authorization") for headers in server.headers] == ["Bearer sesame", None]


async def test_a_password_in_an_address_is_not_shown() -> None:
    address = nobody().replace("http://", "http://user:secret@")
    async with pool_of(address) as pool:
        with pytest.raises(SpeechDown) as raised:
            await speak(pool)

    assert "secret" not in str(raised.value)


def test_without_an_address_nothing_starts() -> None:
    with pytest.raises(Misconfigured, match="PODCAST_SPEECH_URL"):
        pool_of()


# ---------------------------------------------------------------- one server that fails


@pytest.mark.parametrize("status", [400, 404, 422])
@pytest.mark.parametrize(
    "document",
    [
        {"error": {"message": "Voice 'nova' not found", "type": "invalid_request_error"}},
        {"detail": {"error": "validation_error", "message": "Voice 'nova' not found"}},
        {"detail": "Voice 'nova' not found"},
        {"error": "Voice 'nova' not found"},
    ],
    ids=["error.message", "detail.message", "detail", "error"],
)
async def test_an_unknown_voice_is_named_in_the_servers_own_words(status: int, document: object) -> None:
    error = await failure_of(fails(status, document))

    assert isinstance(error, SpeechRejected)
    assert error.message.endswith("does not know the voice 'nova': Voice 'nova' not found.")
    assert "PODCAST_DEFAULT_VOICE" in error.hint


async def test_validation_errors_come_as_a_list_of_words() -> None:
    error = await failure_of(
        fails(
            422, {"detail": [{"loc": ["body", "input"], "msg": "too long"}, {"loc": ["body", "speed"], "msg": "odd"}]}
        )
    )

    assert isinstance(error, SpeechRejected)
    assert error.message.endswith("refuses to speak the text: too long; odd.")


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (fails(400, {"error": "the input is empty"}), SpeechRejected, "refuses to speak the text: the input is empty"),
        (fails(400), SpeechRejected, "refuses to speak the text (HTTP 400)"),
        (fails(404, {"detail": "no model tts-1"}), SpeechRejected, "does not know the model 'tts-1': no model tts-1"),
        (fails(404, {"detail": "Not Found"}), SpeechRejected, "has no POST /v1/audio/speech"),
        (sends("<h1>gone</h1>", status=302), SpeechRejected, "has no POST /v1/audio/speech"),
        (fails(401, {"error": {"message": "bad key"}}), SpeechRejected, "refuses the key: bad key"),
        (fails(403), SpeechRejected, "refuses the key"),
        (fails(413), SpeechRejected, f"finds a text of {len(TEXT)} characters too long"),
        (fails(429, {"error": "slow down"}), SpeechDown, "asks for a pause: slow down"),
        (fails(503, {"error": "loading"}), SpeechDown, "is not available: loading"),
        (fails(500, {"error": "out of memory"}), Transient, "failed with HTTP 500: out of memory"),
        (sends("<html><title>502 Bad &amp; Gateway</title></html>", status=502), Transient, "502 Bad & Gateway"),
        (fails(504), Transient, "not reached by its proxy"),
        (sends(""), BadAudio, "answered with nothing"),
        (sends("<html><title>Welcome</title>", content_type="text/html"), BadAudio, "instead of audio: Welcome"),
        (sends("  <!doctype html>", content_type="audio/wav"), BadAudio, "instead of audio"),
        (sends('{"error": "no GPU"}', content_type="application/json"), BadAudio, "instead of audio: no GPU"),
        (speech_server.never_stops, BadAudio, "sent over"),
        (speech_server.hangs_up, Transient, "cut the connection"),
        (speech_server.cuts(espeak()), Transient, "cut the connection"),
        (speech_server.hangs, DeadlineExceeded, "took longer than 0.4 s"),
        (speech_server.trickles, DeadlineExceeded, "took longer than 0.4 s"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_every_hostile_answer_has_its_name(answer: Answer, kind: type[PodcastError], words: str) -> None:
    error = await failure_of(
        answer, speech_deadline_seconds=SHORT_SECONDS if kind is DeadlineExceeded else DEADLINE_SECONDS
    )

    assert isinstance(error, kind)
    assert words in error.message
    assert isinstance(error, Outage) is issubclass(kind, Outage)


async def test_a_refused_connection_is_an_outage() -> None:
    address = nobody()
    async with pool_of(address) as pool:
        with pytest.raises(SpeechDown, match=address) as raised:
            await speak(pool)

    assert not raised.value.counts


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_understood_as_seconds(status: int) -> None:
    error = await failure_of(fails(status, retry_after=7))

    assert isinstance(error, SpeechDown)
    assert error.retry_after_seconds == pytest.approx(7, abs=0.5)


async def test_retry_after_is_understood_as_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)

    error = await failure_of(fails(429, retry_after=later))

    assert isinstance(error, SpeechDown)
    assert error.retry_after_seconds == pytest.approx(90, abs=3)


@pytest.mark.parametrize("value", ["soon", "nan", "inf", "-5", "1e300"])
async def test_a_senseless_retry_after_does_no_harm(value: str) -> None:
    error = await failure_of(fails(429, retry_after=value))

    assert isinstance(error, SpeechDown)
    assert 0 <= (error.retry_after_seconds or 0) <= 86_400


async def test_a_connection_that_was_dropped_once_is_tried_again_at_once() -> None:
    """A server that is being restarted, or that closes an idle connection just as it is used."""
    async with serving(GOOD) as server, pool_of(server) as pool:

        async def first_drops(request: dict[str, object], writer: speech_server.Write) -> None:
            await (speech_server.hangs_up if len(server.asked) == 1 else GOOD)(request, writer)

        server.answer = first_drops
        spoken = await speak(pool)

    assert spoken.audio == espeak()
    assert len(server.asked) == 2


# ---------------------------------------------------------------- several servers


async def test_calls_are_spread_over_the_servers() -> None:
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(serving(GOOD)) for _ in range(3)]
        pool = await stack.enter_async_context(pool_of(*servers, speech_deadline_seconds=5))
        for _ in range(6):
            await speak(pool)
        await asyncio.gather(*(speak(pool) for _ in range(6)))

    assert [len(server.asked) for server in servers] == [4, 4, 4]


async def test_a_busy_server_gets_no_more_than_an_idle_one() -> None:
    asked, gate = asyncio.Event(), asyncio.Event()

    async def slow(request: dict[str, object], writer: speech_server.Write) -> None:
        asked.set()
        await gate.wait()
        await GOOD(request, writer)

    async with serving(slow) as busy, serving(GOOD) as idle, pool_of(busy, idle, speech_deadline_seconds=5) as pool:
        first = asyncio.create_task(speak(pool))
        await asked.wait()
        for _ in range(5):
            await speak(pool)
        gate.set()
        await first

    assert (len(busy.asked), len(idle.asked)) == (1, 5)


@pytest.mark.parametrize(
    "hostile",
    [
        speech_server.hangs,
        speech_server.trickles,
        speech_server.hangs_up,
        speech_server.cuts(espeak()),
        sends("<html>", content_type="text/html"),
        *(fails(status, {"error": "no"}) for status in (400, 401, 404, 413, 422, 429, 500, 502, 503)),
    ],
)
async def test_another_server_takes_over_within_the_same_call(hostile: Answer) -> None:
    silent = hostile in {speech_server.hangs, speech_server.trickles}
    seconds = 3.0 if silent else DEADLINE_SECONDS
    async with (
        serving(hostile) as bad,
        serving(GOOD) as good,
        pool_of(bad, good, speech_deadline_seconds=seconds) as pool,
    ):
        spoken = await speak(pool)

    assert spoken == (espeak(), good.url)
    assert len(bad.asked) == 1


async def test_a_server_that_is_gone_is_replaced_by_another() -> None:
    async with serving(GOOD) as good, pool_of(nobody(), good) as pool:
        assert (await speak(pool)).endpoint == good.url


async def test_the_server_to_avoid_is_asked_only_if_there_is_no_other() -> None:
    async with serving(GOOD) as one, serving(GOOD) as other:
        async with pool_of(one, other) as pool:
            assert {(await speak(pool, avoid=one.url)).endpoint for _ in range(4)} == {other.url}
        async with pool_of(one) as pool:
            assert (await speak(pool, avoid=one.url)).endpoint == one.url


async def test_a_whole_speak_ends_although_every_server_hangs() -> None:
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(serving(speech_server.hangs)) for _ in range(5)]
        pool = await stack.enter_async_context(pool_of(*servers, speech_deadline_seconds=SHORT_SECONDS))
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            await speak(pool)

    assert time.monotonic() - started < 5 * SHORT_SECONDS, "it did not wait for each of the five"


async def test_a_refused_text_is_refused_although_another_server_is_down() -> None:
    async with serving(fails(400, {"error": "no such voice"})) as picky, pool_of(nobody(), picky) as pool:
        with pytest.raises(SpeechRejected, match="voice"):
            await speak(pool)


async def test_a_wrong_key_at_one_server_waits_for_another_that_is_down() -> None:
    async with serving(fails(401)) as locked, pool_of(locked, nobody(), breaker_failures=1) as pool:
        for _ in range(2):
            with pytest.raises(SpeechDown):
                await speak(pool)


# ---------------------------------------------------------------- the breaker


DOWN = pytest.mark.parametrize(
    "down",
    [fails(503), fails(502), speech_server.hangs, speech_server.hangs_up],
    ids=["503", "502", "hangs", "proxy-before-nobody"],
)


@DOWN
async def test_a_server_that_is_down_is_left_alone_after_some_failures(down: Answer) -> None:
    async with serving(down) as server, pool_of(server, breaker_failures=3, speech_deadline_seconds=0.5) as pool:
        for _ in range(3):
            with pytest.raises(Transient):
                await speak(pool)
        with pytest.raises(SpeechDown) as raised:
            await speak(pool)

    assert len(server.asked) in {3, 4}  # a connection that is dropped is tried twice
    assert not raised.value.counts
    assert raised.value.retry_after_seconds == pytest.approx(30, abs=1)


@DOWN
async def test_a_server_that_stays_down_uses_up_the_tries_of_no_text(down: Answer) -> None:
    now = [0.0]
    async with (
        serving(down) as server,
        pool_of(server, breaker_failures=1, speech_deadline_seconds=0.5, clock=lambda: now[0]) as pool,
    ):
        with pytest.raises(Transient):
            await speak(pool)
        asked = len(server.asked)
        for _ in range(3):
            now[0] += 30
            with pytest.raises(SpeechDown):
                await speak(pool)

    assert (len(server.asked), server.greetings) == (asked, 3)


@pytest.mark.parametrize("answer", [fails(500), fails(400), sends("")], ids=["500", "400", "nothing"])
async def test_a_server_that_answers_badly_is_not_down(answer: Answer) -> None:
    async with serving(answer) as server, pool_of(server, breaker_failures=2) as pool:
        for _ in range(5):
            with pytest.raises(PodcastError) as raised:
                await speak(pool)
            assert not isinstance(raised.value, SpeechDown)

    assert len(server.asked) == 5


async def test_a_server_that_came_back_is_found_by_a_single_call() -> None:
    now, asked, gate = [0.0], asyncio.Event(), asyncio.Event()

    async def gated(request: dict[str, object], writer: speech_server.Write) -> None:
        asked.set()
        await gate.wait()
        await GOOD(request, writer)

    async with (
        serving(fails(503)) as server,
        pool_of(server, breaker_failures=1, speech_deadline_seconds=5, clock=lambda: now[0]) as pool,
    ):
        with pytest.raises(SpeechDown):
            await speak(pool)
        server.answer = gated
        now[0] += 30
        probe = asyncio.create_task(speak(pool))
        await asked.wait()
        with pytest.raises(SpeechDown):
            await speak(pool)
        gate.set()
        await probe
        await asyncio.gather(*(speak(pool) for _ in range(4)))

    assert len(server.asked) == 6


async def test_a_probe_that_was_cancelled_does_not_lock_the_server_out() -> None:
    now = [0.0]
    async with (
        serving(fails(503)) as server,
        pool_of(server, breaker_failures=1, speech_deadline_seconds=5, clock=lambda: now[0]) as pool,
    ):
        with pytest.raises(SpeechDown):
            await speak(pool)
        now[0] += 30
        server.answer = speech_server.hangs
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(speak(pool), 0.1)
        server.answer = GOOD

        assert (await speak(pool)).audio == espeak()
    assert pool.endpoints[0].in_flight == 0


async def test_a_server_that_asks_for_a_pause_gets_it_and_the_others_do_the_work() -> None:
    async with serving(fails(429, retry_after=60)) as tired, serving(GOOD) as good, pool_of(tired, good) as pool:
        for _ in range(5):
            await speak(pool)

    assert (len(tired.asked), len(good.asked)) == (1, 5)


async def test_cancelled_calls_leave_no_connection_behind() -> None:
    """httpcore #1093. Calls are cancelled one after the other, at every moment from the first byte to the last."""
    async with serving(GOOD) as server, pool_of(server, speech_deadline_seconds=5) as pool:
        await speak(pool)
        before = psutil.Process().num_fds()
        for turns in range(60):
            call = asyncio.create_task(speak(pool))
            for _ in range(turns):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.wait([call])
        await speak(pool)
        await server.finished()

        assert psutil.Process().num_fds() <= before
