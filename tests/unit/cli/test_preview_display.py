"""What `podcast preview` prints: for people, and as a document whose fields are promised."""

from __future__ import annotations

import pytest

from services.cli import estimates, preview_display
from services.cli.estimates import ASSUMED, Pace
from services.cli.preview_display import Shown
from shared.protocol.manifest import Omission
from shared.protocol.preview import Preview, PreviewChapter, PreviewChunk
from tests.unit.cli.conftest import Podcast, a_status


def a_preview(**changed: object) -> Preview:
    chapters = (
        PreviewChapter(
            number=2,
            title="The Keeper",
            level=1,
            characters=40,
            estimated_seconds=60.0,
            chunks=(
                PreviewChunk(text="The Keeper", pause_after="heading"),
                PreviewChunk(text="She counted them.", pause_after="sentence"),
                PreviewChunk(text="Then she slept.", pause_after="paragraph"),
                PreviewChunk(text="It rained.", pause_after="chapter"),
            ),
        ),
        PreviewChapter(
            number=4,
            title="\u706f\u53f0",
            level=2,
            characters=20,
            estimated_seconds=30.0,
            chunks=(
                PreviewChunk(text="\u706f\u53f0\u304c\u3002", pause_after="sentence"),
                PreviewChunk(text="\u3042\u308b\u3002", pause_after="none"),
            ),
        ),
    )
    return Preview(
        preview_id="0" * 32,
        made_at=1.0,
        title="The Lighthouse",
        author="Anna",
        language="en",
        voice="joe",
        characters=2_000_000,
        chunk_count=6,
        estimated_seconds=90.0,
        chapters=chapters,
        omissions=(Omission(kind="code", reason="not heard", count=3, sample="print()" * 20),),
        repairs=("A file was missing.",),
        warnings=("It is in German.",),
    ).model_copy(update=changed)


def test_the_document_has_what_is_promised() -> None:
    document = preview_display.document(Shown(a_preview(), 15.0, Pace(0.5, 3)))
    chapters = document.pop("chapters")
    assert document == {
        "title": "The Lighthouse",
        "author": "Anna",
        "language": "en",
        "voice": "joe",
        "seconds": 90.0,
        "characters": 2_000_000,
        "chunks": 6,
        "cost": 30.0,
        "seconds_to_make": 45.0,
        "omissions": [{"kind": "code", "reason": "not heard", "count": 3, "sample": "print()" * 20}],
        "repairs": ["A file was missing."],
        "warnings": ["It is in German."],
    }
    assert chapters == [
        {
            "number": 2,
            "title": "The Keeper",
            "level": 1,
            "seconds": 60.0,
            "characters": 40,
            "text": "The Keeper\n\nShe counted them. Then she slept.\n\nIt rained.",
        },
        {
            "number": 4,
            "title": "\u706f\u53f0",
            "level": 2,
            "seconds": 30.0,
            "characters": 20,
            "text": "\u706f\u53f0\u304c\u3002\u3042\u308b\u3002",
        },
    ]


def test_people_see_the_same() -> None:
    shown = "\n".join(preview_display.lines(Shown(a_preview(), 15.0, Pace(0.5, 3))))
    for part in (
        "The Lighthouse\n",
        "about 1 min 30 s\n",
        "2,000,000 characters in 6 chunks",
        "about 30.00, at 15 for a million characters",
        "about 45 s, if a second of speech takes 0.5 s, as the last 3 jobs did",
        "      2  1 min 00 s  The Keeper\n      4        30 s    \u706f\u53f0",
        "  A file was missing.",
        "  warning: It is in German.",
        "  3 code: not heard (“print()print()",
    ):
        assert part in shown, shown


def test_without_a_price_there_is_no_cost_and_an_assumed_pace_is_called_so() -> None:
    shown = "\n".join(preview_display.lines(Shown(a_preview(), 0.0, ASSUMED)))
    assert "cost" not in shown
    assert "no job has been measured" in shown
    assert preview_display.document(Shown(a_preview(), 0.0, ASSUMED))["cost"] is None


def test_a_title_that_is_not_spoken_is_said_to_be() -> None:
    assert [line for line in preview_display.text(a_preview()) if line] == [
        "[2] The Keeper",
        "She counted them. Then she slept.",
        "It rained.",
        "[4] (\u706f\u53f0, which is not spoken)",
        "\u706f\u53f0\u304c\u3002\u3042\u308b\u3002",
    ]


def test_the_pace_is_the_median_of_jobs_that_took_long_enough_to_tell() -> None:
    statuses = [
        a_status("a", audio_seconds=100.0, stages={"chunking": 1.0, "synthesizing": 9.0}),
        a_status("b", audio_seconds=100.0, stages={"synthesizing": 30.0}),
        a_status("c", audio_seconds=100.0, stages={"synthesizing": 20.0}),
        a_status("short", audio_seconds=2.0, stages={"synthesizing": 20.0}),
    ]
    assert estimates.measured(statuses) == Pace(0.2, 3)
    assert estimates.measured(statuses[3:]) == ASSUMED


@pytest.mark.parametrize("ranges", ["0", "a", "1-2-3", "2..5", "-3", ""])
def test_chapters_that_make_no_sense_are_refused_before_anything_is_started(podcast: Podcast, ranges: str) -> None:
    result = podcast("preview", "-", f"--chapters={ranges}", stdin="Words.")
    assert result.exit_code == 2
    assert "names no chapters" in result.stderr
