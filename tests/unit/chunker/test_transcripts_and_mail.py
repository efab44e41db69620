"""Transcripts, mail and manual pages are read as what they are, also if their name does not tell."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from services.chunker.documents import transcripts
from services.chunker.documents.document import Document, Heading, Paragraph
from services.chunker.documents.reading import read_document
from shared.errors import BadSource
from shared.protocol.narration import Narration

RUNNER = asyncio.Runner()
"""One loop for all tests here: the worker processes, which take a second to start, belong to the loop."""


@pytest.fixture(scope="module", autouse=True)
def _workers_end() -> Iterator[None]:
    with RUNNER:
        yield


def read(data: bytes | str, name: str = "", **more: Any) -> Document:
    raw = data.encode() if isinstance(data, str) else data
    return RUNNER.run(read_document(raw, format=None, name=name, deadline_seconds=60, **more))


def said(document: Document) -> list[tuple[str | None, str]]:
    return [(block.speaker, block.text) for block in document.blocks if isinstance(block, Paragraph)]


def texts(document: Document) -> list[str]:
    return [block.text for block in document.blocks if isinstance(block, (Heading, Paragraph))]


def omitted(document: Document) -> dict[str, int]:
    return {omission.kind: omission.count for omission in document.omissions}


# ---------------------------------------------------------------- transcripts

SRT = """1
00:00:01,000 --> 00:00:03,000
<i>It was a dark
and stormy night.</i>

2
00:00:03,200 --> 00:00:04,000
[thunder]
The rain fell.

3
00:00:20,000 --> 00:00:21,000
- Who is there?
- Nobody.
4
00:00:21,000 --> 00:00:22,000
{\\an8}Good.
"""

VTT = """WEBVTT - A Conversation
Language: de

NOTE made by hand

STYLE
::cue { color: red }

1
00:01.000 --> 00:03.000 align:start
<v Anna Schmidt>Guten Tag, <b>wie</b> geht

00:03.000 --> 00:04.000
<v Anna Schmidt>es Ihnen?

00:04.000 --> 00:05.000
<v.loud Bert>Gut &amp; gern.</v>
"""


def test_the_cues_of_a_transcript_are_sentences_without_their_timings() -> None:
    document = read(SRT)
    assert [text for _, text in said(document)] == [
        "It was a dark and stormy night. The rain fell.",
        "Who is there?",
        "Nobody. Good.",
    ]
    assert omitted(document) == {"sound": 1}


def test_a_webvtt_transcript_names_its_speakers_title_and_language() -> None:
    document = read(VTT, "talk.vtt")
    assert said(document) == [("Anna Schmidt", "Guten Tag, wie geht es Ihnen?"), ("Bert", "Gut & gern.")]
    assert (document.title, document.language) == ("A Conversation", "de")
    assert omitted(document) == {"note": 2}


def test_names_before_a_colon_are_speakers_if_they_come_again() -> None:
    cues = ["Host: Welcome.", "Guest: Thank you.", "It is nice.", "Host: One thing: this.", "Guest: Yes.", "Well: no."]
    text = "\n\n".join(f"00:00:0{n}.000 --> 00:00:0{n}.900\n{cue}" for n, cue in enumerate(cues))
    assert said(transcripts.read(text)) == [
        ("Host", "Welcome."),
        ("Guest", "Thank you. It is nice."),
        ("Host", "One thing: this."),
        ("Guest", "Yes. Well: no."),
    ]


def test_captions_that_roll_are_said_once() -> None:
    text = "00:00:01.000 --> 00:00:02.000\none two\n\n00:00:02.000 --> 00:00:03.000\none two\nthree four\n"
    assert said(transcripts.read(text)) == [(None, "one two three four")]


# ---------------------------------------------------------------- mail

MAIL = """From: =?utf-8?q?J=C3=BCrgen?= Doe <doe@example.org>
To: list@example.org
Subject: Re: [announce] The new version
Date: Sat, 28 Nov 2026 10:00:00 +0000
Message-ID: <1@example.org>
Content-Language: en-GB
Content-Type: text/plain; charset=utf-8

Hello all,

it is there.

On Fri, Jane Roe <roe@example.org>
wrote:
> Is it there?
> I wonder.

Enjoy it.

--\x20
Jane, +44 1234
"""


def test_the_subject_of_a_mail_is_its_title_and_what_was_written_is_read() -> None:
    document = read(MAIL)
    assert (document.title, document.author, document.language) == (
        "[announce] The new version",
        "J\u00fcrgen Doe",
        "en-GB",
    )
    assert texts(document) == ["Hello all,", "it is there.", "Enjoy it."]
    assert omitted(document) == {"signature": 1, "quote": 1}


def test_a_mail_is_read_with_what_it_quotes_if_the_job_wants_it() -> None:
    assert "Is it there? I wonder." in texts(read(MAIL, narration=Narration(quotes=True)))
    everything = texts(read(MAIL, narration=Narration(read="everything")))
    assert any("Jane, +44 1234" in text for text in everything)


PAGE = """From: News <news@example.org>
Subject: The letter
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="xx"

--xx
Content-Type: multipart/alternative; boundary="yy"

--yy
Content-Type: text/plain

View it in a browser.
--yy
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<html><head><title>x</title><style>p {}</style></head><body><h1>News of the week</h1><p>All is <b>w=
ell</b> here, and there is much more to tell than fits.</p>
<div class=3D"gmail_quote">On Monday you wrote: no</div></body></html>
--yy--
--xx
Content-Type: application/pdf; name="bill.pdf"
Content-Disposition: attachment; filename="bill.pdf"
Content-Transfer-Encoding: base64

JVBERi0=
--xx--
"""


def test_a_mail_in_html_is_read_as_a_page_and_its_attachments_are_listed() -> None:
    document = read(PAGE, "letter.eml")
    assert document.title == "The letter"
    assert texts(document) == ["News of the week", "All is well here, and there is much more to tell than fits."]
    assert isinstance(document.blocks[0], Heading)
    assert omitted(document) == {"attachment": 1, "quote": 1}


def test_each_mail_of_a_mailbox_is_a_chapter() -> None:
    box = f"From a@example.org Sat Nov 28\n{MAIL}\nFrom b@example.org Sat Nov 28\n{MAIL.replace('The new', 'The old')}"
    document = read(box, "list.mbox")
    assert [b.text for b in document.blocks if isinstance(b, Heading)] == [
        "[announce] The new version",
        "[announce] The old version",
    ]
    assert omitted(document)["quote"] == 2


def test_a_mail_without_text_is_refused() -> None:
    with pytest.raises(BadSource, match="nothing to speak"):
        read("From: a@example.org\nTo: b@example.org\nSubject: x\n\n", "a.eml")


# ---------------------------------------------------------------- manual pages

MAN = r""".\" a comment
.TH LS 1 "May 2020" "GNU" "User Commands"
.SH NAME
ls \- list directory contents
.SH SYNOPSIS
.B ls
[\fIOPTION\fR]...
.SH DESCRIPTION
List \fBinformation\fR.
.SH NOTES
None.
.EX
ls -l
.EE
"""


@pytest.mark.parametrize("name", ["ls.1", "", "ls.man"])
def test_a_manual_page_has_its_name_as_title_and_no_synopsis(name: str) -> None:
    document = read(MAN, name)
    assert document.title == "ls - list directory contents"
    assert texts(document) == [
        "NAME",
        "ls - list directory contents",
        "DESCRIPTION",
        "List information.",
        "NOTES",
        "None.",
    ]
    assert omitted(document) == {"code": 2}


def test_perl_documentation_is_read() -> None:
    document = read(
        "=head1 NAME\n\nFoo - bar things\n\n=head1 SYNOPSIS\n\n  use Foo;\n\n"
        "=head1 USE\n\nSee L<Foo::Bar>, C<x>.\n\n=cut\n"
    )
    assert document.title == "Foo - bar things"
    assert texts(document)[-2:] == ["USE", "See Foo::Bar, x."]


def test_a_bsd_manual_page_is_read() -> None:
    document = read(
        ".Dd May 1, 2020\n.Dt CAT 1\n.Os\n.Sh NAME\n.Nm cat\n.Nd concatenate files\n.Sh DESCRIPTION\nIt reads files.\n"
    )
    assert "It reads files." in texts(document)
    assert document.title is not None
    assert "concatenate files" in document.title


# ---------------------------------------------------------------- reStructuredText

RST = """Title
=====

It uses |docx|, :ref:`the words <target>` and :func:`~os.path.join`.

.. note:: Beware of it.

.. toctree::
   :maxdepth: 2

   intro
   usage

.. tip::

   One thing.

   Another thing.

.. automodule:: package.module
   :members:
"""


def test_labels_are_said_with_their_paragraph_and_directives_not_at_all() -> None:
    document = read(RST, "a.rst")
    assert texts(document) == [
        "Title",
        "It uses docx, the words and join.",
        "Note: Beware of it.",
        "Tip: One thing.",
        "Another thing.",
    ]
    assert omitted(document) == {"directive": 2}
