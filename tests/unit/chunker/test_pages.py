"""Pages as people write them and as generators of documentation make them: what is read, and what the title is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from services.chunker.documents.document import Document, Heading, Paragraph
from services.chunker.documents.pages import metadata, picking, tidying
from services.chunker.documents.reading import read_document

RUNNER = asyncio.Runner()

SENTENCE = "The ferry leaves the harbour at noon, and whoever wants to see the islands has to be on board by then. "
WINTER = "In winter no boat goes out at all, since ice covers the strait from shore to shore until the end of March. "
PARAGRAPHS = "".join(f"<p>Paragraph {number} says this. {SENTENCE * 2}</p>" for number in range(8))
MENU = '<nav><a href="/">Start</a> <a href="/all">All stories</a></nav>'


@pytest.fixture(scope="module", autouse=True)
def _workers_end() -> Iterator[None]:
    with RUNNER:
        yield


def read(page: str) -> Document:
    return RUNNER.run(read_document(page.encode(), format="html", name="", deadline_seconds=60))


def spoken(document: Document) -> list[str]:
    return [block.text for block in document.blocks if isinstance(block, (Heading, Paragraph))]


def page(inside: str, head: str = "<title>t</title>") -> str:
    return f"<!doctype html><html><head>{head}</head><body>{MENU}{inside}</body></html>"


def test_inline_code_stays_in_its_sentence() -> None:
    sentence = "The function <code>write_all()</code> writes <em>every</em> byte, <kbd>Ctrl</kbd> and <b>C</b> end it."
    found = read(page(f"<article><h1>Writing</h1>{PARAGRAPHS}<p>{sentence}</p>{PARAGRAPHS}</article>"))

    assert "The function write_all() writes every byte, Ctrl and C end it." in spoken(found)


def test_the_name_of_the_site_above_the_article_is_no_chapter() -> None:
    site = '<h1><a href="https://example.org/">The Ferry News</a></h1>'
    found = read(f"<title>Islands</title><body>{site}<h2>Islands</h2>{PARAGRAPHS}</body>")
    assert spoken(found)[0] == "Islands"
    assert "The Ferry News" in {omission.sample for omission in found.omissions}
    home = read(f"<title>The Ferry News</title><body>{site}{PARAGRAPHS}</body>")
    assert spoken(home)[0] == "The Ferry News"


def test_a_page_with_two_main_parts_is_read_whole() -> None:
    second = "".join(f"<p>Part {number} tells another story. {WINTER * 2}</p>" for number in range(8))
    found = read(page(f"<main>{PARAGRAPHS}</main><div role='main'>{second}</div>"))
    assert len(spoken(found)) == 16


def test_the_structure_of_an_article_is_kept() -> None:
    inside = (
        f"<article><h1>A</h1>{PARAGRAPHS}<h2>Second</h2><ul><li>one point</li><li>another</li></ul>"
        f"<blockquote><p>Who said so?</p></blockquote><p lang='de'>Auf Deutsch gesagt.</p><pre>x = 1</pre>{PARAGRAPHS}"
    )
    found = read(page(inside + "</article>"))

    assert Heading("Second", 2) in found.blocks
    assert Paragraph("one point", "item") in found.blocks
    assert Paragraph("Who said so?", "quote") in found.blocks
    assert "Auf Deutsch gesagt." in spoken(found)
    assert "x = 1" in {omission.sample for omission in found.omissions if omission.kind == "code"}


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("consent notice", '<div class="cookie-banner">We use cookies to remember you. Accept all of them?</div>'),
        ("share buttons", '<div class="social-share">Share this on every network</div>'),
        ("teasers", '<div class="related-posts"><h3>Read more</h3><p>Ten ways to cook an egg</p></div>'),
        ("newsletter", '<div id="newsletter-signup">Our letter comes every morning</div>'),
        ("comments", '<section id="comments"><h2>Two comments</h2><p>First of all!</p></section>'),
        ("paywall notice", '<div class="paywall">Subscribe to read the rest</div>'),
        ("page furniture", "<footer>Imprint and terms</footer>"),
    ],
)
def test_what_surrounds_an_article_is_left_out_with_its_reason(kind: str, words: str) -> None:
    found = read(page(f"<main><h1>The title</h1>{PARAGRAPHS}{words}{PARAGRAPHS}</main>"))

    said = " ".join(spoken(found))
    assert "Paragraph 7" in said
    left_out = [omission for omission in found.omissions if omission.kind == kind]
    assert left_out
    assert all(omission.reason for omission in left_out)
    for sample in (omission.sample for omission in left_out):
        assert sample not in said


def test_an_article_in_a_form_or_in_an_element_with_a_menus_name_is_read() -> None:
    in_form = f'<form action="/"><div class="sidebar"><h1>The title</h1>{PARAGRAPHS}</div></form>'
    assert "Paragraph 7" in " ".join(spoken(read(page(in_form))))


SPHINX = f"""<div class="related"><h3>Navigation</h3><ul><li><a href="genindex.html">index</a></li></ul></div>
<div class="document"><div class="bodywrapper"><div class="body" role="main"><section id="tutorial">
<h1>Tutorial<a class="headerlink" href="#tutorial" title="Link to this heading">¶</a></h1>
<div class="contents local topic"><ul><li><a href="#first">First steps</a></li></ul></div>
<p>{SENTENCE}</p><h2>First steps<a class="headerlink" href="#first">¶</a></h2><p>Call <code>run()</code> now.</p>
</section></div></div>
<div class="sphinxsidebar"><h3>Next topic</h3><p><a href="more.html">More of it</a></p></div></div>"""

DOCBOOK = f"""<div class="navheader"><table><tr><th colspan="3">Chapter 2. Boats</th></tr><tr><td>
<a accesskey="p" href="1.html">Prev</a></td><th>Part I</th><td><a accesskey="n" href="3.html">Next</a></td></tr></table>
<hr></div><div class="chapter"><h2 class="title">Chapter 2. Boats</h2>
<div class="toc"><p><b>Table of Contents</b></p><dl>
<dt><a href="2.html#s">2.1. Sails</a></dt></dl></div><p>{SENTENCE}</p>
<h2 class="title">2.1. Sails</h2><p>They are white.</p>
</div><div class="navfooter"><a accesskey="n" href="3.html">Next</a> Chapter 3. Wind</div>"""

TEXINFO = f"""<p>Next: <a href="b.html" accesskey="n" rel="next">Sails</a>,
Previous: <a href="a.html" accesskey="p">Top</a>, Up: <a href="index.html" accesskey="u">Top</a> &nbsp;
[<a href="toc.html">Contents</a>][<a href="i.html">Index</a>]</p><hr>
<h3 class="section">1.1 Boats</h3><p>{SENTENCE}</p><ul class="section-toc"><li><a href="c.html">Oars</a></li></ul>"""

PLAIN = f"""<p><a href="b.html">Next</a> <a href="a.html">Previous</a> <a href="t.html#toc1">Contents</a></p><hr>
<h1>Boats</h1><h2>Contents</h2>
<ul><li><a href="#a">Sails</a></li><li><a href="#b">Oars</a></li><li><a href="#c">Ropes</a></li>
</ul><p>{SENTENCE}</p><h2>Sails</h2><p>They are white.</p>"""


@pytest.mark.parametrize(
    ("generator", "inside", "right"),
    [
        ("Docutils 0.19", SPHINX, ["Tutorial", SENTENCE.strip(), "First steps", "Call run() now."]),
        ("DocBook XSL Stylesheets", DOCBOOK, ["Chapter 2. Boats", SENTENCE.strip(), "2.1. Sails", "They are white."]),
        ("GNU Texinfo 7.0, texi2any", TEXINFO, ["1.1 Boats", SENTENCE.strip()]),
        ("", PLAIN, ["Boats", SENTENCE.strip(), "Sails", "They are white."]),
    ],
    ids=["sphinx", "docbook", "texinfo", "by hand"],
)
def test_navigation_of_documentation_is_neither_spoken_nor_a_chapter(
    generator: str, inside: str, right: list[str]
) -> None:
    named = f'<meta name="generator" content="{generator}">' if generator else ""
    found = read(f"<html><head><title>Boats</title>{named}</head><body>{inside}</body></html>")

    assert spoken(found) == right


def test_a_doubled_heading_is_spoken_once() -> None:
    found = read(page(f"<div><h1>The Ferry</h1></div><article><h1>The Ferry</h1>{PARAGRAPHS}</article>"))

    assert spoken(found).count("The Ferry") == 1


def test_a_page_that_is_nothing_but_a_list_of_links_keeps_it() -> None:
    links = "".join(f'<li><a href="#{word}">{word}</a></li>' for word in ("Sails", "Oars", "Ropes"))
    assert "Oars" in picking.pick(f"<html><body><ul>{links}</ul></body></html>").html


TITLES: list[tuple[str, str, str]] = [
    ("<title>Tutorial &#8212; Boats 1.0 documentation</title>", "<h1>Tutorial<a href='#t'>¶</a></h1>", "Tutorial"),
    ("<title>An essay | My Site</title>", "", "An essay"),
    ("<title>An essay - My Site</title><meta property='og:site_name' content='My Site'>", "", "An essay"),
    ("<title>My Site: An essay</title><meta property='og:title' content='An essay'>", "<h1>My Site</h1>", "An essay"),
    ("<title>Love - and hate</title>", "", "Love - and hate"),
    ("<title>My Site - An essay</title>", "<h1>My Site</h1><h1>An essay</h1>", "My Site"),
    ("<title>index.html</title>", "<h1>An essay</h1>", "An essay"),
    ("<title>Untitled Document</title>", "<h2>An essay</h2>", "An essay"),
    ("<title>We use cookies</title>", "<h1>An essay</h1>", "An essay"),
    ("<title>An essay</title>", "<h1>Permission is granted to copy this</h1>", "An essay"),
    ("", "<h1>This site needs cookies</h1><h2>An essay</h2>", "An essay"),
]


@pytest.mark.parametrize(("head", "inside", "right"), TITLES)
def test_the_title_is_the_pages_own(head: str, inside: str, right: str) -> None:
    assert picking.pick(f"<html><head>{head}</head><body>{inside}<p>{SENTENCE}</p></body></html>").title == right


SAID: list[tuple[str, dict[str, Any]]] = [
    ("<html lang='de-AT'>", {"language": "de-AT"}),
    ("<html xml:lang='fr'>", {"language": "fr"}),
    ("<html><meta http-equiv='Content-Language' content='es, en'>", {"language": "es"}),
    ("<html><meta property='og:locale' content='pt_BR'>", {"language": "pt-BR"}),
    ("<html><meta name='author' content='By Jane Doe'>", {"author": "Jane Doe"}),
    (
        """<html><script type="application/ld+json">{"@type": "NewsArticle", "headline": "An essay",
        "author": [{"name": "Jane Doe"}, {"name": "Joe Bloggs"}]}</script>""",
        {"author": "Jane Doe, Joe Bloggs", "title": "An essay"},
    ),
    ("<html><body><p>By <a rel='author'>Jane Doe</a></p>", {"author": "Jane Doe"}),
    ("<html><meta property='article:author' content='https://social.example/jane'>", {"author": None}),
    ("<html><script type='application/ld+json'>[{</script>", {"author": None, "title": None}),
]


@pytest.mark.parametrize(("start", "right"), SAID)
def test_a_page_says_who_wrote_it_and_in_which_language(start: str, right: dict[str, Any]) -> None:
    found = metadata.read(picking.parsed(start + f"<p>{SENTENCE}</p>"))
    assert {name: getattr(found, name) for name in right} == right


def test_a_table_that_only_places_text_is_text() -> None:
    cells = f"<td><a href='/'>Home</a></td><td><h1>The title</h1>{PARAGRAPHS}</td>"
    found = read(f"<html><body><table><tr>{cells}</tr></table></body></html>")
    assert "Paragraph 7" in " ".join(spoken(found))

    data = read(page(f"<main>{PARAGRAPHS}<table><tr><th>Name<th>Age</tr><tr><td>Ann<td>7</tr></table></main>"))
    assert "Ann" not in " ".join(spoken(data))


def test_a_caption_that_only_a_class_names_is_one() -> None:
    around = picking.parsed('<div><img src="a"><p class="wp-caption-text">The harbour</p></div>')
    tidying.mark_captions(around)
    assert [element.tag for element in around.iter("figcaption")] == ["figcaption"]
