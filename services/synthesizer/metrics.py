"""Metrics of speech: calls of speech servers, what they gave, and whether their circuit breakers let calls through.

The real-time factor is seconds of calling for a second of speech:
`rate(podcast_speech_call_seconds_sum{outcome="spoken"}[5m]) / rate(podcast_speech_audio_seconds_total[5m])`.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from services.synthesizer.breaker import STATES
from services.synthesizer.endpoints import Endpoint

CALL_SECONDS: Final = Histogram(
    "podcast_speech_call_seconds",
    "Time of a call to a speech server, by its address and outcome: spoken, busy (it asks for a pause), down, "
    "abandoned (the message was taken back), or the class of the error.",
    ["endpoint", "outcome"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120),
)
CALLS_IN_FLIGHT: Final = Gauge(
    "podcast_speech_calls_in_flight", "Calls that a speech server is answering.", ["endpoint"]
)
AUDIO_SECONDS: Final = Counter(
    "podcast_speech_audio_seconds", "Seconds of speech that came from a speech server and were usable.", ["endpoint"]
)
CHARACTERS: Final = Counter(
    "podcast_speech_characters", "Characters of text whose speech was usable, by speech server.", ["endpoint"]
)
BAD_AUDIO: Final = Counter(
    "podcast_speech_bad_audio", "Answers of a speech server that were no plausible speech of the text.", ["endpoint"]
)
CHUNKS: Final = Counter(
    "podcast_chunks_synthesized",
    "Chunks whose audio is stored, by source: spoken (now) or stored (before).",
    ["source"],
)
SEGMENTS: Final = Counter(
    "podcast_segments_encoded", "Mastered segments of chunks that were encoded, by format.", ["format"]
)
BREAKER: Final = Gauge(
    "podcast_speech_breaker_state",
    "The state of a speech server's circuit breaker: 1 for closed (it is called), open (it is not) or half-open (one "
    "call tries it), 0 for the other two.",
    ["endpoint", "state"],
)


def show(endpoint: Endpoint) -> None:
    """Read this endpoint's gauges from it at each scrape."""
    for outcome in ("spoken", "busy", "down"):
        CALL_SECONDS.labels(endpoint.name, outcome)
    for counter in (AUDIO_SECONDS, CHARACTERS, BAD_AUDIO):
        counter.labels(endpoint.name)  # it begins at 0, so that the first is seen as an increase
    CALLS_IN_FLIGHT.labels(endpoint.name).set_function(lambda: endpoint.in_flight)
    for state in STATES:
        BREAKER.labels(endpoint.name, state).set_function(lambda state=state: endpoint.breaker.state == state)  # type: ignore[misc] # mypy cannot infer a lambda with a default
