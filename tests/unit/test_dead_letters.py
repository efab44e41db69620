"""What is shown of a dead letter, whatever it contains, and how it looks on a terminal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.cli import dead_letter_display
from shared.dead_letters import export, replay
from shared.dead_letters.headers import REPLAYS
from shared.dead_letters.letter import TEXT_LIMIT_CHARACTERS, DeadLetter, identity, read
from shared.protocol import envelope
from shared.protocol.topology import COORDINATOR, SYNTHESIZER
from tests.unit.test_dead_letters_export import Received, values

LETTER = DeadLetter(
    id="0123456789ab",
    queue="synthesizer",
    job_id="0198a000-0000-7000-8000-000000000001",
    chunk=12,
    reason="The speech server refused the voice “nobody”. Choose one that it lists under /v1/audio/voices.",
    error="SpeechRejected",
    attempts=({"attempt": 1, "at": "2026-01-02T03:04:05+00:00", "error": "refused"},),
    time="2026-01-02T03:04:05+00:00",
    text="Once upon a time.",
    type="chunk.requested",
    size_bytes=200,
    replays=0,
    stacktrace="Traceback …",
    message_id="m",
)


def received(**fields: Any) -> Any:
    return Received(**fields)


headers = st.dictionaries(
    st.sampled_from(
        [
            "x-death", envelope.ATTEMPT, envelope.WAITS, envelope.ATTEMPTS_LOG, envelope.CHUNK, envelope.JOB,
            envelope.EXCEPTION_MESSAGE, envelope.EXCEPTION_TYPE, envelope.DIED_AT, envelope.ORIGINAL_EXCHANGE,
            envelope.ORIGINAL_ROUTING_KEY, envelope.ORIGIN_EXCHANGE, envelope.ORIGIN_ROUTING_KEY,
            REPLAYS,
        ]
    ),
    values
    | st.lists(st.dictionaries(st.sampled_from(["queue", "reason", "time", "exchange", "routing-keys"]), values)),
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(headers=headers, body=st.binary() | st.just(b'{"text": 7, "index": true, "source": [], "job_id": {}}'))
def test_no_letter_is_too_strange_to_be_read_shown_and_cleaned(headers: dict[str, Any], body: bytes) -> None:
    message = received(headers=headers, body=body)
    letter = read(message, SYNTHESIZER)
    assert letter.reason
    assert dead_letter_display.page(letter)
    assert dead_letter_display.each([letter])
    replay.cleaned(message, SYNTHESIZER)


def test_looking_does_not_change_an_id() -> None:
    headers: dict[str, Any] = {"x-attempt": 6}
    looked_at = {**headers, "x-delivery-count": 41, "x-acquired-count": 42}
    assert identity(received(headers=headers)) == identity(received(headers=looked_at))
    assert identity(received(headers=headers)) != identity(received(headers={"x-attempt": 5}))


def test_a_body_nested_too_deep_to_be_parsed_is_text_like_any_other() -> None:
    letter = read(received(body=b"[" * 100_000), SYNTHESIZER)
    assert letter.text == "[" * TEXT_LIMIT_CHARACTERS


def test_a_character_cut_in_two_at_the_limit_does_not_make_a_text_binary() -> None:
    letter = read(received(body=b"x" + "\N{GRINNING FACE}".encode() * 10_000), SYNTHESIZER)
    assert letter.text is not None
    assert letter.text.startswith("x\N{GRINNING FACE}")


def test_half_a_surrogate_pair_can_be_printed_and_exported() -> None:
    log = '[{"attempt": 1, "at": "\\ud800", "error": "\\udc00"}]'
    message = received(body=b'{"text": "\\ud800", "index": 1}', headers={envelope.ATTEMPTS_LOG: log})
    letter = read(message, SYNTHESIZER)
    assert dead_letter_display.page(letter).encode()
    assert export.line(letter, message).encode()


def test_the_deaths_in_wait_queues_are_no_reason() -> None:
    waited = {
        "queue": "synthesizer.wait.15",
        "reason": "expired",
        "exchange": "",
        "routing-keys": ["synthesizer.wait.15"],
    }
    killed = {
        "queue": "synthesizer",
        "reason": "delivery_limit",
        "exchange": "podcast",
        "routing-keys": ["chunk.requested"],
        "time": datetime(2026, 1, 2, tzinfo=UTC),
    }
    letter = read(received(headers={"x-death": [waited, killed]}), SYNTHESIZER)
    assert "its consumer was lost" in letter.reason
    assert letter.time == "2026-01-02T00:00:00+00:00"
    assert letter.type == "chunk.requested"


def test_a_replayed_copy_of_a_death_is_still_the_news_of_a_death() -> None:
    # The coordinator could not handle its copy of a synthesizer's dead letter, which became another dead letter.
    headers = {
        envelope.ORIGINAL_EXCHANGE: "podcast.dead",
        envelope.ORIGINAL_ROUTING_KEY: "synthesizer",
        envelope.EXCEPTION_MESSAGE: "The store does not answer.",
    }
    copy = replay.cleaned(received(headers=headers, type="chunk.requested"), COORDINATOR)
    assert copy.headers[envelope.ORIGIN_EXCHANGE] == "podcast.dead"
    assert copy.headers[envelope.ORIGIN_ROUTING_KEY] == "synthesizer"
    assert envelope.EXCEPTION_MESSAGE in copy.headers


def test_each_replay_is_counted() -> None:
    once = replay.cleaned(received(), SYNTHESIZER)
    twice = replay.cleaned(received(headers=dict(once.headers)), SYNTHESIZER)
    assert twice.headers[REPLAYS] == 2


def test_a_replay_does_not_wait_for_a_pause_that_was_asked_for_before_the_death() -> None:
    copy = replay.cleaned(
        received(headers={envelope.NOT_BEFORE: 4_000_000_000, envelope.STILL_SECONDS: 900}), SYNTHESIZER
    )
    assert not {envelope.NOT_BEFORE, envelope.STILL_SECONDS} & set(copy.headers)


# ---------------------------------------------------------------- on a terminal


def test_nothing_in_a_letter_reaches_the_terminal_as_a_command() -> None:
    letter = replace(LETTER, text="\x1b[2J\x9b2J\x07\u202eevil", reason="\x1b]0;title\x07", type="\x1b[31m")
    shown = dead_letter_display.page(letter) + dead_letter_display.each([letter])
    assert not set("\x1b\x9b\x07\u202e") & set(shown)


def test_each_letter_is_one_line_whatever_is_in_it() -> None:
    header, line = dead_letter_display.each([replace(LETTER, reason="two\nlines\tand a tab")]).splitlines()
    assert header.split()[:4] == ["ID", "QUEUE", "JOB", "CHUNK"]
    assert line.split()[:4] == ["0123456789ab", "synthesizer", LETTER.job_id, "12"]
    assert line.endswith("two lines and a tab")


def test_a_page_tells_everything() -> None:
    page = dead_letter_display.page(LETTER, debug=True)
    for told in (LETTER.id, LETTER.reason, "Once upon a time.", "refused", "Traceback", "chunk.requested"):
        assert told in page
    assert "Traceback" not in dead_letter_display.page(LETTER), "only with --debug"
    assert "bytes that are not text" in dead_letter_display.page(replace(LETTER, text=None))
