"""What people see while they wait."""

import pytest

from services.cli.durations import Remaining, length
from services.cli.progress_display import Lines
from shared.protocol.messages import ChunkCounts
from tests.unit.cli.conftest import a_status


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3_599.7, "1 h 00 min"),
        (7_500, "2 h 05 min"),
    ],
)
def test_lengths_are_for_people(seconds: float, shown: str) -> None:
    assert length(seconds) == shown


def test_the_time_left_follows_from_the_pace_so_far() -> None:
    remaining = Remaining()

    def after(seconds: float, done: int, failed: int = 0) -> float | None:
        counts = ChunkCounts(total=100, done=done, failed=failed)
        return remaining.seconds(a_status("j", "synthesizing", chunks=counts), seconds)

    assert after(10, 20) is None, "there is no pace yet: who watches now may have come late"
    assert after(10.1, 21) is None, "too short to say"
    assert after(20, 30) == pytest.approx(70)
    assert after(30, 38, failed=2) == pytest.approx(60), "a failed chunk is one less to wait for"
    assert remaining.seconds(a_status("j", "assembling"), 40) is None


def test_lines_tell_each_state_once(capsys: pytest.CaptureFixture[str]) -> None:
    with Lines() as lines:
        for state, done in (
            ("chunking", 0),
            ("synthesizing", 0),
            ("synthesizing", 1),
            ("assembling", 3),
            ("completed", 3),
        ):
            total = 0 if state == "chunking" else 3
            lines.show(a_status("j", state, chunks=ChunkCounts(total=total, done=done), audio_seconds=61.0))  # type: ignore[arg-type] # a state
    told = capsys.readouterr()
    assert told.out == "", "stdout is for what a program reads"
    assert told.err.splitlines() == [
        "reading the text",
        "speaking, 0 of 3 chunks, 1 min 01 s of audio",
        "putting the episode together, 3 of 3 chunks, 1 min 01 s of audio",
        "done, 3 of 3 chunks, 1 min 01 s of audio",
    ]
