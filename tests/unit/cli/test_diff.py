"""`podcast diff`: what would be spoken anew, and what that costs."""

from __future__ import annotations

import pytest

from services.cli import diff_display, editions
from services.cli.diff_display import ShownDiff
from services.cli.editions import Comparison, Edition, SpokenText
from services.cli.estimates import Pace
from shared.errors import PodcastError
from shared.protocol.preview import PreviewChapter, PreviewChunk
from tests.audio_keys import audio_key_of
from tests.unit.cli.conftest import Podcast
from tests.unit.cli.test_preview_display import a_preview


def edition(*texts: str, seconds: float | None = None, **sound: str) -> Edition:
    chunks = tuple(
        SpokenText(audio_key_of(text), text, 1 + number // 2, "A title") for number, text in enumerate(texts)
    )
    return Edition("The Lighthouse", chunks, sound, seconds)


def compared(*texts: str) -> Comparison:
    return editions.compare(edition("One.", "Two.", "Three.", "Four.", seconds=10.0, voice="joe"), edition(*texts))


@pytest.mark.parametrize(
    ("texts", "anew", "gone"),
    [
        (("One.", "Two.", "Three.", "Four."), [], []),
        (("One.", "Another.", "Three.", "Four."), ["Another."], ["Two."]),
        (("Four.", "Three.", "One.", "Two."), [], []),
        (("One.", "One.", "Five.", "Five."), ["Five."], ["Two.", "Three.", "Four."]),
    ],
)
def test_what_is_in_both_is_spoken_already_wherever_it_stands(
    texts: tuple[str, ...], anew: list[str], gone: list[str]
) -> None:
    found = compared(*texts)
    assert [chunk.text for chunk in found.anew.chunks] == anew
    assert [chunk.text for chunk in found.gone.chunks] == gone


def test_the_figures_follow_from_how_long_one_of_both_is() -> None:
    first = edition("a" * 50, "b" * 50, seconds=10.0, voice="joe", engine="piper")
    second = edition("a" * 50, "c" * 20, "d" * 20, voice="amy", engine="")
    document = diff_display.document(ShownDiff(editions.compare(first, second), 15.0, Pace(0.5, 3)))
    assert document == {
        "title": "The Lighthouse",
        "chunks": 3,
        "anew": {
            "chunks": 2,
            "characters": 40,
            "seconds": 4.0,
            "cost": 0.0006,
            "seconds_to_make": 2.0,
            "texts": [
                {"chapter": 1, "title": "A title", "text": "c" * 20},
                {"chapter": 2, "title": "A title", "text": "d" * 20},
            ],
        },
        "gone": {"chunks": 1, "characters": 50, "texts": [{"chapter": 1, "title": "A title", "text": "b" * 50}]},
        "changed": {"voice": {"first": "joe", "second": "amy"}},
    }


def test_people_read_the_texts_by_chapter() -> None:
    shown = ShownDiff(compared("One.", "A new one.", "And\nanother.", "Four."), 0.0, Pace(0.5, 1))
    assert diff_display.lines(shown, with_texts=True) == [
        "The Lighthouse",
        "  anew      2 of 4 chunks, 22 characters",
        "  length    about 12 s",
        "  to make   about 6 s, if a second of speech takes 0.5 s, as the last job did",
        "  gone      2 chunks, 10 characters",
        "",
        "spoken anew:",
        "  [1] A title",
        "    + A new one.",
        "  [2] A title",
        "    + And another.",
        "",
        "not spoken any more:",
        "  [1] A title",
        "    - Two.",
        "  [2] A title",
        "    - Three.",
    ]
    assert len(diff_display.lines(shown, with_texts=False)) == 5


def test_the_same_edition_has_one_line() -> None:
    shown = ShownDiff(compared("One.", "Two.", "Three.", "Four."), 15.0, Pace(0.5, 1))
    assert diff_display.lines(shown, with_texts=True) == ["The Lighthouse", "  anew      0 of 4 chunks, 0 characters"]


def test_a_preview_of_an_earlier_version_is_no_edition() -> None:
    with pytest.raises(PodcastError, match="earlier version"):
        editions.of_preview(a_preview())


def test_a_preview_has_the_numbers_of_its_chapters() -> None:
    chunk = PreviewChunk(text="She slept.", pause_after="none", audio_key=audio_key_of("x"))
    chapter = PreviewChapter(number=7, title="Night", level=1, characters=10, estimated_seconds=5.0, chunks=(chunk,))
    found = editions.of_preview(a_preview(chapters=(chapter,), estimated_seconds=5.0))
    assert found.chunks == (SpokenText(audio_key_of("x"), "She slept.", 7, "Night"),)
    assert found.seconds_a_character == 0.5


def test_what_is_no_job_and_no_file_is_named(podcast: Podcast) -> None:
    ended = podcast("diff", "no/id", "x")
    assert (ended.exit_code, "cannot be the id of a job" in ended.stderr) == (2, True)
    ended = podcast("diff", "x", "no-such.md")
    assert (ended.exit_code, "no-such.md" in ended.stderr) == (2, True)
