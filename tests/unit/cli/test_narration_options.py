"""What is read of a document is said with four options, which become the job's `narration`."""

from __future__ import annotations

from typing import Any

import click
import pytest
from click.testing import CliRunner

from services.cli import narration_options
from shared.errors import BadInput
from shared.protocol.narration import KINDS, Narration


def asked(*arguments: str) -> Narration:
    made: list[Narration] = []

    @click.command()
    @narration_options.of_narration
    def command(**options: Any) -> None:
        made.append(narration_options.narration(options))

    CliRunner().invoke(command, arguments, catch_exceptions=False, standalone_mode=False)
    return made[0]


def test_without_options_a_narrator_reads() -> None:
    assert asked() == Narration()


def test_kinds_are_named_alone_or_in_a_row() -> None:
    assert asked("--also", "code,Tables", "--also", "front-matter", "--skip", "quotes") == Narration(
        code=True, tables=True, front_matter=True, quotes=False
    )


def test_everything_but_one_kind() -> None:
    narration = asked("--read", "everything", "--skip", "notes", "--links", "address")
    assert [kind for kind in KINDS if not narration.reads(kind)] == ["notes"]
    assert narration.links == "address"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--also", "pictures"), "--also pictures is no kind of content."),
        (("--skip", "code,"), '--skip "" is no kind of content.'),
        (("--also", "code", "--skip", "code"), "code is both in --also and in --skip."),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadInput) as refused:
        asked(*arguments)
    assert refused.value.message == said
    assert refused.value.hint
