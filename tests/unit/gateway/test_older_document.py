"""What an older system's request becomes: read liberally, refused precisely."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from services.gateway.job_order import JobDocument
from services.gateway.older_document import OlderDocument, as_job
from shared.errors import BadInput


def job(**fields: Any) -> JobDocument:
    return as_job(OlderDocument.model_validate(fields))


@pytest.mark.parametrize("name", ["text", "content", "body", "script"])
def test_a_text_has_several_names(name: str) -> None:
    assert job(**{name: "Words."}).text == "Words."


@pytest.mark.parametrize("name", ["url", "source_url", "article_url", "link"])
def test_an_address_has_several_names(name: str) -> None:
    assert job(**{name: " https://example.org "}).url == "https://example.org"


def test_chapters_become_headings_and_nothing_in_them_becomes_code() -> None:
    made = job(
        chapters=[{"title": "One\nmore", "content": "    Indented.\n\n\tWords."}, {"name": "Two", "text": "x"}, "Bare."]
    )
    assert made.text == "# One more\n\nIndented.\n\nWords.\n\n# Two\n\nx\n\nBare."
    assert made.source_format == "markdown"


def test_chapters_go_before_a_text_and_a_text_before_an_address() -> None:
    assert job(chapters=["a"], text="b", url="https://c.example").text == "a"
    assert job(chapters=[{"title": "empty"}], text="b", url="https://c.example").text == "b"
    assert job(text="  ", url="https://c.example").url == "https://c.example"


def test_options_arrive_and_unknown_fields_do_not_matter() -> None:
    made = job(
        title=" A\t\x16title\x8a ",
        text="x",
        lang="de",
        voice_id="anna",
        speed="1.25",
        output_format=".M4B",
        metadata={"album": "Essays", "year": 1999, "nothing": None},
        processing_options={"max_parallel_tts": "3", "priority": "high"},
        callback={"anything": []},
    )
    assert made == JobDocument(
        title="A title",
        text="x",
        language="de",
        voice="anna",
        speed=1.25,
        formats=("m4b",),
        metadata={"album": "Essays", "year": "1999"},
        max_parallel=3,
    )


def test_a_podcast_with_nothing_to_speak_is_refused() -> None:
    for fields in ({}, {"text": " "}, {"chapters": []}, {"chapters": [{"title": "One"}]}):
        with pytest.raises(BadInput, match="contains no text"):
            job(**fields)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"text": "x", "output_format": "wma"}, "output_format"),
        ({"text": "x", "speed": 99}, "speed"),
        ({"text": "x", "title": "t" * 501}, "title"),
        ({"text": "x", "language": "klingon!"}, "language"),
    ],
)
def test_what_makes_no_sense_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        job(**fields)


@pytest.mark.parametrize("number", [0, 101, "many", 1.5])
def test_a_number_of_parallel_chunks_that_cannot_be_is_refused(number: Any) -> None:
    with pytest.raises(ValidationError):
        job(text="x", processing_options={"max_parallel_tts": number})
