"""Every format yields the same document, and every bad source one plain sentence."""

import asyncio
import io
import time
import zipfile

import psutil
import pytest

from services.chunker.documents.document import Block, ChapterStart, Document, Heading, Paragraph
from services.chunker.documents.reading import read_document
from shared.errors import BadSource, DeadlineExceeded, TooLarge
from shared.protocol.narration import Narration
from tests.unit.chunker import made_documents
from tests.unit.chunker.read_documents import omitted, read
from tests.waiting import until

PROSE = "This is a paragraph of the article, with enough words that it counts as one. " * 4
ARTICLE = f"""<!doctype html><html lang="fr"><head><title>The Article | A Site</title>
<meta name="author" content="Jane Doe"></head><body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/about">About us</a></li></ul></nav>
<article><h1>The Article</h1><p>{PROSE}</p><h2>Part two</h2>
<p>{PROSE} It is <b>bold</b>.<sup><a href="#fn1">1</a></sup></p>
<ul><li>item one is here</li></ul><blockquote><p>Quoted words here.</p></blockquote>
<pre><code>x = 1</code></pre><table><tr><td>cell</td></tr></table></article>
<aside>Read this next</aside><footer>Copyright and cookies.</footer><script>alert(1)</script></body></html>"""


def texts(document: Document) -> list[str]:
    return [block.text for block in document.blocks if isinstance(block, (Heading, Paragraph))]


def chapters(document: Document) -> list[str]:
    return [block.title for block in document.blocks if isinstance(block, ChapterStart)]


@pytest.mark.parametrize("to", ["epub", "docx", "odt", "html", "fb2", "rst", "org", "rtf", "gfm"])
def test_every_format_gives_the_same_words(to: str) -> None:
    data = made_documents.from_markdown(to, made_documents.MARKDOWN, "--standalone")
    document = read(data, f"book.{'md' if to == 'gfm' else to}")
    everything = " ".join(texts(document)).replace("\u2022 ", "")  # FB2 and RTF turn lists into these
    in_order = [
        "Before the first heading.",
        "One",
        "Hello world, run make now. See the site and 10\u2076 of them.",
        "Two",
        "Quoted words. first item second item",
    ]
    places = [everything.index(words) for words in in_order]
    assert places == sorted(places)
    assert [b.text for b in document.blocks if isinstance(b, Heading) and b.text in {"One", "Two"}] == ["One", "Two"]


@pytest.mark.parametrize("to", ["epub", "docx", "html", "rst", "org", "gfm"])
def test_code_tables_notes_and_pictures_are_not_spoken(to: str) -> None:
    data = made_documents.from_markdown(to, made_documents.MARKDOWN, "--standalone")
    everything = " ".join(texts(read(data, f"book.{'md' if to == 'gfm' else to}")))
    for left_out in ("secret", "note", "left", "table", "picture", "example.org"):
        assert left_out not in everything


def test_a_document_tells_its_title_author_and_language() -> None:
    for to in ("epub", "gfm", "html"):
        name = f"book.{'md' if to == 'gfm' else to}"
        document = read(made_documents.from_markdown(to, made_documents.MARKDOWN, "--standalone"), name)
        assert (document.title, document.author, document.language) == ("The Book", "A. Writer", "de"), to


def test_what_is_left_out_is_listed_with_its_beginning() -> None:
    listed = omitted(read(made_documents.MARKDOWN, "book.md"))
    assert listed == {
        "footnote": "The text of the note.",
        "code": "secret = 1",
        "table": "left right in a table",
        "image": "a picture",
    }


def test_without_metadata_the_first_heading_is_the_title() -> None:
    assert read("# The Heading\n\nText.", "a.md").title == "The Heading"
    assert read("Text first.\n\n# The Heading", "a.md").title is None


def test_markdown_is_read_as_people_write_it() -> None:
    document = read(
        'Items:\n- one\n- two\n# Heading\nText -- "quoted"... $5 or 6$\n\n<div>In <b>raw</b> markup</div>\n', "a.md"
    )
    assert texts(document) == ["Items:", "one", "two", "Heading", 'Text -- "quoted"... 5 or 6', "In raw markup"]


def test_a_broken_yaml_header_is_text() -> None:
    assert "text here" in texts(read("---\nfoo: [\n---\n\ntext here", "a.md"))


def test_an_exponent_does_not_run_into_its_base() -> None:
    document = read("<p>10<sup>6</sup> and H<sub>2</sub>O on the 1<sup>st</sup> day</p>", "a.html")
    assert texts(document) == ["10\u2076 and H2O on the 1st day"]


# ---------------------------------------------------------------- web pages


def test_a_page_is_its_article_alone() -> None:
    document = read(ARTICLE, "page", content_type="text/html; charset=utf-8")
    assert (document.title, document.author, document.language) == ("The Article", "Jane Doe", "fr")
    everything = " ".join(texts(document))
    assert [b.text for b in document.blocks if isinstance(b, Heading)] == ["The Article", "Part two"]
    assert "It is bold." in everything
    assert "Quoted words here." in everything
    for furniture in ("Home", "About", "Copyright", "cookies", "alert", "x = 1", "cell", "Read this next"):
        assert furniture not in everything
    assert {"code", "table", "footnote mark", "page furniture"} <= omitted(document).keys()


def test_a_short_page_is_read_whole_without_its_menu() -> None:
    page = "<html><body><nav><a href='/'>Home</a></nav><main><h1>Short</h1><p>One line.</p></main></body></html>"
    assert texts(read(page, "a.html")) == ["Short", "One line."]


@pytest.mark.parametrize(
    "page",
    [
        "<html><body><nav><a href='/'>Home</a></nav><div id='root'></div><noscript>Enable it</noscript></body></html>",
        "<html><head><title>Title</title></head><body></body></html>",
        "<html><body><img src='a.png' alt='words'></body></html>",
        "<!doctype html>",
    ],
)
def test_a_page_without_text_is_refused(page: str) -> None:
    with pytest.raises(BadSource, match=r"no text|nothing to speak"):
        read(page, "a.html")


# ---------------------------------------------------------------- EPUB


def test_titles_that_stand_only_in_the_navigation_document_are_chapters_and_spoken() -> None:
    book = made_documents.epub(
        {
            "a.xhtml": "<img src='one.png'/><p>The first text.</p>",
            "b.xhtml": "<p><img src='two.png'/></p><p>The second.</p>",
        },
        nav="<ol><li><a href='text/a.xhtml'>The Hound</a></li><li><a href='text/b.xhtml'>The Moor</a></li></ol>",
    )
    document = read(book, "book.epub")
    assert chapters(document) == ["The Hound", "The Moor"]
    assert texts(document) == ["The Hound", "The first text.", "The Moor", "The second."]
    assert omitted(document)["image"] == ""


def test_a_title_that_also_stands_in_the_text_is_said_once() -> None:
    book = made_documents.epub(
        {"a.xhtml": "<h2>ONE</h2><p>First.</p>", "b.xhtml": "<p class='title'>Two!</p><p>Second.</p>"},
        nav="<ol><li><a href='text/a.xhtml'>One</a></li><li><a href='text/b.xhtml'>Two</a></li></ol>",
    )
    document = read(book, "book.epub")
    assert chapters(document) == ["One", "Two"]
    assert texts(document) == ["ONE", "First.", "Two!", "Second."]
    assert [type(block) for block in document.blocks] == [ChapterStart, Heading, Paragraph] * 2


def test_chapters_of_one_file_are_found_by_their_ids_and_by_their_words() -> None:
    body = (
        "<h1 id='h'>One</h1><p>First.</p><p id='p'>Two</p><p>Second.</p>"
        "<section id='s'><h2>Three</h2><p>Third.</p></section>"
    )
    points = "".join(
        f"<navPoint><navLabel><text>{title}</text></navLabel><content src='text/a.xhtml#{target}'/></navPoint>"
        for title, target in (("One", "h"), ("Two", "p"), ("Three", "s"))
    )
    blocks: tuple[Block, ...] = read(made_documents.epub({"a.xhtml": body}, ncx=points), "b.epub").blocks
    following = [(block.title, blocks[i + 1]) for i, block in enumerate(blocks) if isinstance(block, ChapterStart)]
    assert [(title, block.text) for title, block in following if isinstance(block, Heading)] == [
        ("One", "One"),
        ("Two", "Two"),
        ("Three", "Three"),
    ]


def test_nested_entries_have_deeper_levels_and_unlisted_headings_start_no_chapter() -> None:
    book = made_documents.epub(
        {"a.xhtml": "<img src='part.png'/>", "b.xhtml": "<h1>One</h1><p>Text.</p><h2>Aside</h2><p>More.</p>"},
        nav="<ol><li><a href='text/a.xhtml'>Part I</a><ol><li><a href='text/b.xhtml'>One</a></li></ol></li></ol>",
    )
    document = read(book, "book.epub")
    assert [(b.title, b.level) for b in document.blocks if isinstance(b, ChapterStart)] == [("Part I", 1), ("One", 2)]
    assert texts(document) == ["Part I", "One", "Text.", "Aside", "More."]
    assert not any(b.starts_chapter for b in document.blocks if isinstance(b, Heading))


def test_pages_for_readers_eyes_are_left_out_and_listed() -> None:
    book = made_documents.epub(
        {
            "c.xhtml": "<h1>Contents</h1><p>One 1</p>",
            "a.xhtml": "<h1>One</h1><p>Text.</p>",
            "n.xhtml": "<p>A note.</p>",
        },
        guide="<reference type='toc' href='text/c.xhtml'/>",
        aside=("n.xhtml",),
    )
    document = read(book, "book.epub")
    assert texts(document) == ["One", "Text."]
    assert omitted(document) == {"auxiliary page": "A note.", "contents": "Contents"}


def test_a_book_without_a_table_of_contents_has_its_headings() -> None:
    document = read(made_documents.epub({"a.xhtml": "<h1>One</h1><p>Text.</p><h1>Two</h1><p>More.</p>"}), "b.epub")
    assert [b.text for b in document.blocks if isinstance(b, Heading) and b.starts_chapter] == ["One", "Two"]


# ---------------------------------------------------------------- plain text and encodings


def test_hard_wrapped_lines_are_joined_and_blank_lines_part_paragraphs() -> None:
    text = "One line\nand another.\r\n\r\n  Second\r\nparagraph.\n \t\n\n\u65e5\u672c\n\u8a9e\n"
    assert texts(read(text, "a.txt")) == ["One line and another.", "Second paragraph.", "\u65e5\u672c\u8a9e"]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "cp1251"]
)
def test_the_encoding_is_found(encoding: str) -> None:
    german = "Es w\u00e4re sch\u00f6n, wenn es ginge. Gr\u00f6\u00dfe z\u00e4hlt nicht f\u00fcr alle von uns."
    russian = bytes.fromhex(  # "This is a plain text in the Russian language, which must be read."
        "ddf2ee20eff0eef1f2eee920f2e5eaf1f220ede020f0f3f1f1eaeeec20ffe7fbeae52c20eaeef2eef0fbe920ede0e4ee20eff0eef7e8f2e0f2fc2e"
    ).decode("cp1251")
    text = russian if encoding == "cp1251" else german
    assert texts(read(text.encode(encoding), "a.txt")) == [text]


def test_the_encoding_that_a_page_declares_is_believed() -> None:
    hello = "\u041f\u0440\u0438\u0432\u0435\u0442"
    page = f"<html><head><meta charset='windows-1251'></head><body><p>{hello}</p></body></html>"
    assert texts(read(page.encode("cp1251"), "a.html")) == [hello]


# ---------------------------------------------------------------- formats


@pytest.mark.parametrize(
    ("name", "content_type", "data", "expected"),
    [
        ("", "", "# A\n\n*b*", ["A", "b"]),
        ("README", "", "Just *text*.", ["Just *text*."]),
        ("a.txt", "", "# not a heading", ["# not a heading"]),
        ("a.md", "text/plain; charset=utf-8", "# A", ["A"]),
        ("page.php", "text/html", "<p>b</p>", ["b"]),
        ("Mr. Smith goes", "", "Text.", ["Text."]),
        ("a.xyz", "", "Words.", ["Words."]),
        ("a.xyz", "text/x-xyz", "# A", ["A"]),
        ("", "", "<!DOCTYPE html><html><body><p>b</p></body></html>", ["b"]),
    ],
)
def test_the_format_is_guessed(name: str, content_type: str, data: str, expected: list[str]) -> None:
    assert texts(read(data, name, content_type=content_type)) == expected


NOTEBOOK = (
    '{"cells": [{"cell_type": "markdown", "metadata": {}, "source": ["# A heading\\n", "\\n", "Words."]},'
    ' {"cell_type": "code", "execution_count": 1, "metadata": {}, "source": ["secret = 1"], "outputs":'
    ' [{"output_type": "stream", "name": "stdout", "text": ["printed"]}]}],'
    ' "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
)
DOCBOOK = (
    '<?xml version="1.0"?><!DOCTYPE article PUBLIC "-//OASIS//DTD DocBook XML V4.5//EN" "x.dtd">'
    "<article><title>A heading</title><para>Words.</para></article>"
)
LATEX = (
    "% a comment\n\\documentclass{article}\\title{A heading}\n\\begin{document}\\maketitle\nWords.\n"
    "\\input{/etc/passwd}\n\\begin{verbatim}secret = 1\\end{verbatim}\\end{document}"
)
MEDIAWIKI = "== A heading ==\n'''Words'''.\n{| \n| cell\n|}"


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.ipynb", NOTEBOOK, ["A heading", "Words."]),
        ("", NOTEBOOK, ["A heading", "Words."]),
        ("a.tex", LATEX, ["Words."]),
        ("", LATEX, ["Words."]),
        ("a.xml", DOCBOOK, ["Words."]),
        ("a.mediawiki", MEDIAWIKI, ["A heading", "Words."]),
        ("a.adoc", "== A heading\n\nWords.\n\n----\nsecret\n----", ["A heading", "Words."]),
        ("a.textile", "h1. A heading\n\n*Words*.", ["A heading", "Words."]),
        ("a.typ", "= A heading\n\n*Words*.", ["A heading", "Words."]),
        ("a.dj", "# A heading\n\n_Words_.", ["A heading", "Words."]),
        ("a.dokuwiki", "====== A heading ======\n\n**Words**.", ["A heading", "Words."]),
    ],
)
def test_what_pandoc_reads_is_read(name: str, data: str, expected: list[str]) -> None:
    document = read(data, name)
    assert texts(document) == expected
    assert document.title in {"A heading", None}


def test_what_the_job_says_wins_over_the_name() -> None:
    assert texts(read("# not a heading", "a.md", format="text")) == ["# not a heading"]


def zipped(**files: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


EPUB = made_documents.epub({"a.xhtml": "<p>Text.</p>"})


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.txt", b"", "is empty"),
        ("a.md", b" \n\t\n", "is empty"),
        ("a.txt", bytes(range(256)) * 40, "binary file"),
        ("data", bytes(range(256)) * 40, "binary file"),
        ("a.pdf", b"%PDF-1.7 and so on", "PDF is broken"),
        ("a.pdf", b"no such thing", "PDF is broken"),
        ("a.mobi", b"A book".ljust(60, b"\x00") + b"BOOKMOBI" + bytes(200), "Kindle book is broken"),
        ("a.txt", b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document"),
        ("a.zip", zipped(**{"a.png": "b"}), "no document in the archive"),
        (
            "a.ods",
            zipped(mimetype="application/vnd.oasis.opendocument.spreadsheet"),
            "OpenDocument file that is no text",
        ),
        ("a.epub", b"These are words.", "EPUB is broken"),
        ("a.epub", EPUB[:300], "EPUB is broken"),
        ("a.epub", zipped(a="b"), "EPUB is broken"),
        ("a.epub", zipped(**{"META-INF/container.xml": "<nonsense"}), "EPUB is broken"),
        ("a.docx", zipped(**{"word/document.xml": "<nonsense"}), "DOCX is broken"),
        ("a.md", b"```\ncode\n```", "nothing to speak in the source, only: code"),
        ("a.txt", b"* * *\n\n...", "nothing to speak"),
        ("a.md", b"> " * 1_500 + b"x", "nested too deeply"),
    ],
)
def test_a_bad_source_is_named_in_one_plain_sentence(name: str, data: bytes, says: str) -> None:
    with pytest.raises(BadSource, match=says) as caught:
        read(data, name)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "content_type", "data", "says"),
    [
        ("api", "application/json", "{}", r"data \(JSON\)"),
        ("api", "application/ld+json", '{"text": "words"}', r"data \(JSON\)"),
        ("a.json", "", '["some", "words"]', r"data \(JSON\)"),
        ("feed", "application/feed+json", '{"version": "https://jsonfeed.org/version/1.1"}', "JSON Feed"),
        (
            "feed",
            "application/rss+xml",
            '<?xml version="1.0"?>\n<!-- a -->\n<rss><channel/></rss>',
            "a feed",
        ),
        ("feed.xml", "text/xml", '<feed xmlns="http://www.w3.org/2005/Atom"><title>words</title></feed>', "a feed"),
        ("sitemap.xml", "", "<urlset><url>words</url></urlset>", "a site map"),
        ("a.svg", "image/svg+xml", '<svg xmlns="http://www.w3.org/2000/svg"><text>words</text></svg>', "a drawing"),
        ("a", "application/xml", "<config><words>words</words></config>", r"data \(XML\)"),
        ("a.js", "text/javascript", "let words = 1", "a program"),
        ("a", "application/x-unknown", "words", "application/x-unknown"),
    ],
)
def test_data_is_refused_by_name(name: str, content_type: str, data: str, says: str) -> None:
    with pytest.raises(BadSource, match=says) as caught:
        read(data, name, content_type=content_type)
    assert caught.value.hint


NOTEBOOK = (
    '{"cells": [{"cell_type": "markdown", "metadata": {}, "source": ["Words of a notebook."]}],'
    ' "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
)
PAGE = "<?xml version='1.0'?><html><body><p>Words of a page.</p></body></html>"
DOCBOOK = (
    '<!DOCTYPE book PUBLIC "-//OASIS//DTD DocBook XML V4.5//EN" "x"><book><chapter><title>T</title>'
    "<para>Words of a book.</para></chapter></book>"
)


@pytest.mark.parametrize(
    ("name", "content_type", "data", "words"),
    [
        ("notebook", "application/json", NOTEBOOK, "Words of a notebook."),
        ("page", "application/xml", PAGE, "Words of a page."),
        ("page.xml", "text/xml", DOCBOOK, "Words of a book."),
    ],
)
def test_what_can_be_read_of_json_and_xml_is_read(name: str, content_type: str, data: str, words: str) -> None:
    assert words in texts(read(data, name, content_type=content_type))


TABLE = "| name | age |\n|---|---|\n| Anna | 7 |\n"


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.md", TABLE, "name: Anna; age: 7."),
        ("a.csv", "name,age\nAnna,7\n", "name: Anna; age: 7."),
        (
            "a.html",
            "<html><body><figure><img src=x><figcaption>A lighthouse.</figcaption></figure></body></html>",
            "A lighthouse.",
        ),
    ],
)
def test_what_has_only_what_a_narrator_leaves_out_is_read_and_says_so(name: str, data: str, words: str) -> None:
    document = read(data, name)
    assert words in texts(document)
    assert any("otherwise left out is read" in repair for repair in document.repairs)


def test_what_a_job_does_not_want_is_not_read_even_if_there_is_nothing_else() -> None:
    with pytest.raises(BadSource, match="only: table"):
        read(TABLE, "a.md", narration=Narration(tables=False))


def test_code_is_not_read_unasked_and_the_hint_says_how_it_is() -> None:
    with pytest.raises(BadSource, match="--also code"):
        read("```\ncode\n```", "a.md")


def test_a_text_beside_a_table_has_its_table_left_out_as_before() -> None:
    document = read(f"Words.\n\n{TABLE}", "a.md")
    assert (texts(document), omitted(document).keys(), document.repairs) == (["Words."], {"table"}, ())


def test_a_docx_with_its_text_in_another_place_is_read() -> None:
    moved = io.BytesIO()
    plain = zipfile.ZipFile(io.BytesIO(made_documents.from_markdown("docx")))
    with plain, zipfile.ZipFile(moved, "w") as other:
        for name in plain.namelist():
            data = plain.read(name).replace(b"word/document.xml", b"word/main.xml")
            other.writestr(
                name.replace("word/document.xml", "word/main.xml").replace("document.xml.", "main.xml."), data
            )
    assert "One" in texts(read(moved.getvalue(), "a.docx"))


def test_data_is_read_as_it_stands_if_the_job_says_that_it_is_a_text() -> None:
    assert texts(read('{"a": "words"}', "a.json", format="text", content_type="application/json")) == ['{"a": "words"}']


def test_a_zip_bomb_is_refused_before_it_unpacks() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"0" * 210_000_000)
    with pytest.raises(TooLarge, match="more than 200 MB"):
        read(made.getvalue(), "a.docx")


# ---------------------------------------------------------------- deadlines


def pandocs() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if "pandoc" in child.name()]


async def test_pandoc_is_killed_at_the_deadline() -> None:
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        await read_document(b"*a **b " * 400_000, format="rst", name="", deadline_seconds=2)
    assert time.monotonic() - started < 5
    assert pandocs() == []


async def test_pandoc_is_killed_when_the_job_is_cancelled() -> None:
    reading = asyncio.create_task(read_document(b"*a **b " * 400_000, format="rst", name="", deadline_seconds=60))
    await until(pandocs, "pandoc runs")
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert pandocs() == []
