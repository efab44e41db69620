"""Many sources: their names, what they may not share, and what is reported of them."""

from __future__ import annotations

import pytest

from services.cli import batch
from services.cli.batch import Outcome
from services.cli.exits import JobFailed
from shared.errors import BadInput, BadSource
from tests.unit.cli.conftest import Podcast


@pytest.mark.parametrize(
    ("sources", "names"),
    [
        (["a.md", "b/a.epub", "c/a.epub", "A.md"], ["a", "a-epub", "a-epub-2", "A-md"]),
        (["https://example.org/essays/On%20Light.html", "https://example.org/", "-"], ["On-Light", "example", "stdin"]),
        (["../..//etc/passwd", "con.txt", ".."], ["passwd", "episode-con", None]),
    ],
)
def test_each_episode_is_named_after_its_source_and_no_two_are_alike(
    sources: list[str], names: list[str | None]
) -> None:
    found = batch.names(sources)
    assert [name if expected else None for name, expected in zip(found, names, strict=True)] == names
    assert len({name.casefold() for name in found}) == len(sources)
    assert not [name for name in found if "/" in name or name.startswith(".")]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["render", "-o", "o.mp3"], "Missing argument 'SOURCE...'."),
        (["submit"], "Missing argument 'SOURCE...'."),
        (["render", "a.md", "b.md", "-o", "o.mp3"], "o.mp3 is one file, for several sources."),
        (["render", "a.md", "b.md", "-o", "o/", "--title", "T"], "--title cannot be the same for 2 sources."),
        (["render", "-", "-", "-o", "o/"], "- is there twice"),
        (["render", "a.md", "--plan", "p.md", "-o", "o.mp3"], "--plan and a SOURCE are two things to speak."),
        (["render", "--plan", "p.md", "--source-format", "html", "-o", "o.mp3"], "--plan names a plan"),
        (["render", "--plan", "p.md", "-o", "o.mp3"], "There is no file p.md."),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_started(
    podcast: Podcast, arguments: list[str], says: str
) -> None:
    result = podcast(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr


def test_where_all_have_failed_the_first_reason_decides_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    failed, handed_over = Outcome("a", error=BadSource("It is empty.")), Outcome("b", job_id="j")
    with pytest.raises(BadInput):
        batch.report([failed, failed], as_json=False)
    with pytest.raises(JobFailed, match="1 of 2 sources have failed"):
        batch.report([failed, handed_over], as_json=False)
    batch.report([handed_over], as_json=True)
    assert "It is empty." in capsys.readouterr().out
