"""WebVTT: every word once, in order, inside its chunk, in lines that fit."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.assembler.captions import LINE_COLUMNS, Words, columns, cues, timestamp, webvtt, words_of, wrap
from services.assembler.timeline import TimedChunk, Timeline
from tests.unit.assembler.material import manifest

WORDS = st.text(min_size=1, max_size=400).filter(lambda text: bool(text.split()))


def without_space(text: str) -> str:
    return "".join(text.split())


@settings(max_examples=150, deadline=None)
@given(
    text=WORDS, begin=st.integers(0, 10**7), length=st.integers(1, 60_000), language=st.sampled_from(["en", "ja", "ar"])
)
@example(text="漢字" * 200, begin=0, length=9_000, language="ja")
@example(text="a" * 1_000, begin=0, length=9_000, language="en")
@example(text="e\u0301" * 200, begin=0, length=9_000, language="fr")
@example(text="One. Two. Three. Four.", begin=5, length=1, language="en")
def test_cues_say_every_character_once_and_never_overlap(text: str, begin: int, length: int, language: str) -> None:
    timed = cues(text, language, begin, begin + length)

    assert without_space("".join(line for _, _, lines in timed for line in lines)) == without_space(text)
    position = begin
    for start, stop, lines in timed:
        assert position <= start < stop <= begin + length
        assert all(0 < len(line) <= LINE_COLUMNS for line in lines)
        position = stop
    assert position == begin + length


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet="ab ,.漢é", min_size=1, max_size=300).filter(lambda text: bool(text.split())))
def test_lines_fit_and_words_stay_whole_where_they_can(text: str) -> None:
    lines = wrap(" ".join(text.split()))

    assert all(columns(line) <= LINE_COLUMNS for line in lines)
    if all(columns(word) <= LINE_COLUMNS for word in text.split()):
        assert " ".join(lines).split() == text.split()


def test_a_cue_is_a_sentence_of_at_most_two_even_lines() -> None:
    text = "Short one. " + "This is a much longer sentence that has to be put on two lines since it has many words."

    timed = cues(text, "en", 0, 10_000)

    assert [lines[0].split()[0] for _, _, lines in timed] == ["Short", "This"]
    assert len(timed[1][2]) == 2
    one, two = timed[1][2]
    assert abs(len(one) - len(two)) < 15


def test_the_file_is_webvtt_with_escaped_text_and_increasing_times() -> None:
    chunks = (
        TimedChunk(index=0, start=24_000 * 3_599, frames=24_000 * 2, pause=0),
        TimedChunk(index=1, start=24_000 * 3_602, frames=24_000, pause=0),
    )
    timeline = Timeline(sample_rate=24_000, lead_in=0, frames=24_000 * 3_603, chunks=chunks, chapters=())

    text = "".join(webvtt(timeline, [Words("AT&T <b> --> here.", "en"), Words("Next.", "en", "A & B")]))

    assert text == (
        "WEBVTT\n\n00:59:59.000 --> 01:00:01.000\nAT&amp;T &lt;b&gt; --&gt; here.\n"
        "\n01:00:02.000 --> 01:00:03.000\n<v A &amp; B>Next.\n"
    )
    assert re.findall(r"[^:\d]-->", text) == [" -->", " -->"]


def test_hours_take_as_many_digits_as_they_need() -> None:
    assert timestamp(359_999_999) == "99:59:59.999"
    assert timestamp(360_000_000) == "100:00:00.000"


def test_the_words_of_a_chunk_are_the_written_ones_in_its_language_with_who_says_them() -> None:
    made = manifest(["twelve", "Hallo.", "GUEST: Hello."], chapters=1)
    changes = [{"written": "12"}, {"language": "de", "speaker": "HOST"}, {"speaker": "GUEST"}]
    chunks = tuple(replace(chunk, **change) for chunk, change in zip(made.chunks, changes, strict=True))
    assert words_of(made.model_copy(update={"chunks": chunks})) == [
        Words("12", "en-GB"),
        Words("Hallo.", "de", "HOST"),
        Words("GUEST: Hello.", "en-GB"),
    ]
