"""What is done to AsciiDoc, DocBook and wikis so that pandoc reads them as their own tools do."""

from __future__ import annotations

import pytest

from services.chunker.documents import asciidoc, dokuwiki, entities, formats
from services.chunker.documents.document import Document, Heading, Paragraph
from services.chunker.documents.reading import read_document
from shared.protocol.messages import SourceFormat

ADOC = """\
= A Guide
Jane Doe <https://example.org/jane[@jane]>
:project: Ferry
// a comment
:uri-project: https://example.org/ferry

{uri-project}[{project}] carries {uri-project}[more than 2,000 people] a day; press kbd:[F1] icon:fire[].

ifdef::env-github[]
Only on a site.
endif::[]
ifndef::env-github[]
== Everywhere

Always {unknown}.

ifdef::project+uri-project[Both are named.]
include::other.adoc[]
endif::[]
"""


async def read(text: str, format: SourceFormat | None, name: str = "") -> Document:  # noqa: A002 - its name in every message
    return await read_document(text.encode(), format=format, name=name, deadline_seconds=60)


def texts(document: Document) -> list[str]:
    return [block.text for block in document.blocks if isinstance(block, (Heading, Paragraph))]


def omitted(document: Document) -> set[tuple[str, str]]:
    return {(omission.kind, omission.sample) for omission in document.omissions}


@pytest.mark.anyio
async def test_conditions_are_decided_values_are_said_and_other_files_are_listed() -> None:
    document = await read(ADOC, "asciidoc")
    assert document.title == "A Guide"
    assert [text.rstrip(" .") for text in texts(document)] == [
        "Ferry carries more than 2,000 people a day; press F1",
        "Everywhere",
        "Always {unknown}",
        "Both are named",
    ]
    [sample] = [sample for kind, sample in omitted(document) if kind == "directive"]
    assert sample == "ifdef::env-github[]"
    assert [each.count for each in document.omissions if each.kind == "directive"] == [2]


def test_values_in_values_do_not_grow_without_bound() -> None:
    bomb = ":a: " + "x" * 1000 + "\n" + "".join(f":{chr(98 + n)}: {f'{{{chr(97 + n)}}}' * 10}\n" for n in range(20))
    text, _ = asciidoc.without_directives(bomb + "{t}\n" * 10)
    assert len(text) < 1_100_000


def test_a_condition_that_ends_nowhere_or_begins_nowhere_is_no_error() -> None:
    assert asciidoc.without_directives("endif::[]\nOne\nifdef::x[]\nTwo\n")[0].split() == ["One"]


DOCBOOK = """<?xml version="1.0"?>
<!DOCTYPE article PUBLIC "-//KDE//DTD DocBook XML V4.5" "dtd/kdedbx45.dtd" [<!ENTITY own "declared here">]>
<article lang="&language;"><title>The &ferry; Handbook</title><section><title>Keys</title>
<para>Press &Ctrl; and write to &Jane.Doe; &Jane.Doe.mail; &lt;now&gt; &mdash; &own;.</para>
<screenshot><screeninfo>The window</screeninfo><mediaobject><imageobject><imagedata fileref="a.png"/></imageobject>
</mediaobject></screenshot></section></article>"""


@pytest.mark.anyio
async def test_entities_that_only_a_dtd_declares_are_said_as_they_are_called() -> None:
    document = await read(DOCBOOK, "docbook")
    assert document.title == "The ferry Handbook"
    assert texts(document) == ["Keys", "Press Ctrl and write to Jane Doe <now> \u2014 declared here."]


def test_entities_of_xml_and_numbers_stay() -> None:
    assert entities.spelled_out("<a>x &amp; y &#65;</a>") == "<a>x &amp; y &#65;</a>"


WIKI = """\
The '''ferry''' carries [[people]], see [[:Category:Ships|the ships]].

== See also ==
* [[Harbour]]
* [[Lighthouse]]

[[Category:Ferries]]
[[de:F\u00e4hre]]
"""


@pytest.mark.anyio
async def test_categories_other_languages_and_lists_of_links_of_a_wiki_are_not_spoken() -> None:
    document = await read("A ferry crosses the bay.\n\n" * 20 + WIKI, "mediawiki")
    assert texts(document)[20:] == ["The ferry carries people, see the ships."]
    assert [each.count for each in document.omissions if each.kind == "page furniture"] == [2]
    assert ("links", "See also") in omitted(document)


DOKUWIKI = """\
====== Ferries ======
~~NOTOC~~
The ferry [[people|{{boat.png|a boat}}]] carries %% ~~NOCACHE~~ %% and <nowiki>{{rss>x}}</nowiki>.

  ~~NOTOC~~ is code here

<code>
~~NOTOC~~
</code>
<php>
echo "hi";
</php>
{{rss>https://example.org/feed 5}}
An open <nowiki> end ~~INFO:ships~~ stays.
"""


@pytest.mark.anyio
async def test_macros_of_dokuwiki_are_taken_out_but_not_where_they_are_shown() -> None:
    document = await read(DOKUWIKI, "dokuwiki")
    said = texts(document)
    assert said[:2] == ["Ferries", "The ferry carries ~~NOCACHE~~ and {{rss>x}}."]
    assert len(said) == 3
    assert [each.count for each in document.omissions if each.kind == "directive"] == [3]
    assert {kind for kind, _ in omitted(document)} == {"directive", "image", "code"}
    assert ("image", "a boat") in omitted(document)


def test_many_unclosed_marks_of_dokuwiki_take_one_pass() -> None:
    text = "<code> %% [[a|{{ ~~NO <php>" * 40_000
    assert dokuwiki.without_macros(text)[1] == ()


@pytest.mark.anyio
async def test_a_page_of_dokuwiki_is_recognised_by_its_title() -> None:
    document = await read("====== Ferries ======\nA [[boat]] **carries** people.\n", None, "ferries.txt")
    assert texts(document) == ["Ferries", "A boat carries people."]


@pytest.mark.parametrize(
    "text",
    [
        "Ferries\n=======\n\nA ``boat``: see `boats`_.\n\n* one\n* two\n",
        "= Ferries =\n\n== Boats ==\n\nThey [[carry]] people.\n",
        "= Ferries\n\n===== Deep =====\n\n**Bold** text.\n",
        "=====================\nFERRIES\n=====================\n\n  * a boat\n",
        "The result:\n===== done =====\n",
    ],
    ids=["reStructuredText", "MediaWiki", "AsciiDoc", "plain text", "a log"],
)
def test_other_texts_with_such_signs_are_not_taken_for_dokuwiki(text: str) -> None:
    assert not formats.is_dokuwiki(text)


@pytest.mark.anyio
@pytest.mark.parametrize(("format", "heading"), [("textile", "h2. Boats"), ("markdown", "## Boats")])
async def test_the_fields_of_a_guide_name_its_title(format: SourceFormat, heading: str) -> None:  # noqa: A002 - as in messages
    document = await read(f"# @title A Guide\n# @markup {format}\n\nWords.\n\n{heading}\n\nMore.\n", format)
    assert document.title == "A Guide"
    assert texts(document) == ["A Guide", "Words.", "Boats", "More."]
