"""Feeds as sites publish them: RSS of several ages, Atom, JSON Feed, broken ones; pages that name feeds; OPML."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.feeds.parsing import reading
from services.feeds.parsing.parsed import PageLinks, ParsedFeed, ParsedItem
from shared.client.feeds import opml
from shared.client.feeds.model import ITEMS_READ_LIMIT
from shared.errors import BadSource, TooLarge
from shared.protocol.messages import Frozen, Line

URL = "https://example.org/blog/feed.xml"


def feed(text: str | bytes, content_type: str = "application/xml") -> ParsedFeed:
    found = reading.read(text.encode() if isinstance(text, str) else text, content_type=content_type, url=URL)
    assert isinstance(found, ParsedFeed)
    return found


def seconds(*moment: int) -> float:
    return datetime(*moment, tzinfo=UTC).timestamp()  # type: ignore[misc,arg-type] # year, month, day, hour, minute


def rss(body: str, more: str = "") -> str:
    return f'<?xml version="1.0"?><rss version="2.0" {more}><channel><title>T &amp;amp; U</title>{body}</channel></rss>'


def test_a_wordpress_feed() -> None:
    found = feed(
        rss(
            "<language>de-AT</language><ttl>90</ttl><item><title>Ein &#8220;Fall&#8221;</title>"
            "<link>https://example.org/fall/?utm=1</link><guid isPermaLink='false'>https://example.org/?p=9</guid>"
            "<dc:creator>Eva</dc:creator><pubDate>Sat, 28 Nov 2026 10:30:00 +0100</pubDate>"
            "<category><![CDATA[Politik]]></category><category>Wien</category>"
            "<description><![CDATA[<p>Kurz.</p>]]></description>"
            "<content:encoded><![CDATA[<p>Der ganze <b>lange</b> Text.</p><script>x()</script>]]></content:encoded>"
            "</item>",
            'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"',
        )
    )
    (item,) = found.items
    assert (found.title, found.ttl_seconds) == ("T & U", 5_400)
    assert item == ParsedItem(
        guid="https://example.org/?p=9",
        link="https://example.org/fall/?utm=1",
        title="Ein “Fall”",
        author="Eva",
        html="<p>Der ganze <b>lange</b> Text.</p>",
        characters=21,
        published=seconds(2026, 11, 28, 9, 30),
        categories=("Politik", "Wien"),
        language="de-AT",
    )


def test_an_atom_feed_with_relative_addresses_and_text() -> None:
    (one, two) = feed(
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://example.org/blog/"><title>A</title>'
        '<entry><id>tag:1</id><title type="html">&lt;em&gt;One&lt;/em&gt;</title><link href="one"/>'
        '<updated>2026-11-28T00:00:00Z</updated><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">'
        "<p>Hello.</p></div></content></entry>"
        '<entry><id>tag:2</id><title>Two</title><summary type="text">a &lt; b\n\nc</summary></entry></feed>'
    ).items
    assert (one.title, one.link, one.characters) == ("One", "https://example.org/blog/one", 6)
    assert one.published == seconds(2026, 11, 28)
    assert (two.html, two.link, two.published) == ("<p>a &lt; b</p><p>c</p>", "", None)


def test_rdf_and_the_oldest_rss() -> None:
    rdf = feed(
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">'
        '<channel rdf:about="x"><title>T</title></channel>'
        '<item rdf:about="https://example.org/1"><title>One</title><link>https://example.org/1</link></item></rdf:RDF>'
    )
    old = feed('<rss version="0.91"><channel><title>T</title><item><title>One</title></item></channel></rss>')
    assert [item.title for item in (*rdf.items, *old.items)] == ["One", "One"]


def test_a_json_feed() -> None:
    found = feed(
        json.dumps(
            {
                "version": "https://jsonfeed.org/version/1.1",
                "title": "J",
                "language": "en-GB",
                "items": [
                    {
                        "id": 7,
                        "url": "/seven",
                        "title": "Seven",
                        "content_html": "<p>Text.</p>",
                        "date_published": "2026-11-28T10:00:00+01:00",
                        "authors": [{"name": "A"}, {"name": "B"}],
                        "tags": ["x", 3],
                    },
                    {"id": "8", "content_text": "One.\n\nTwo."},
                    "nonsense",
                    {"id": None},
                ],
            }
        ),
        "application/feed+json",
    )
    one, two = found.items
    assert (one.guid, one.link, one.author, one.categories) == ("7", "https://example.org/seven", "A, B", ("x",))
    assert (one.published, one.language) == (seconds(2026, 11, 28, 9), "en-GB")
    assert two.html == "<p>One.</p><p>Two.</p>"


def test_a_feed_that_is_broken_xml_is_read_as_far_as_it_goes() -> None:
    found = feed(rss("<item><title>One &nbsp; & two</title></item><item><title>Three</title>").replace("</rss>", ""))
    assert [item.title for item in found.items] == ["One & two", "Three"]


def test_a_feed_in_another_encoding() -> None:
    data = '<?xml version="1.0" encoding="windows-1252"?><rss version="2.0"><channel><title>é</title></channel></rss>'
    assert feed(data.encode("cp1252")).title == "é"
    for encoding in ("utf-8", "utf-16"):
        for content_type in ("", "text/xml", "text/html", "application/rss+xml", f"text/xml; charset={encoding}"):
            found = feed(rss("<item><title>日本</title></item>").encode(encoding), content_type)
            assert found.items[0].title == "日本", (encoding, content_type)
    assert (
        feed(rss("<item><title>é</title></item>").encode("latin-1"), "text/xml; charset=latin-1").items[0].title == "é"
    )


def test_what_no_text_can_hold_is_left_out_and_what_is_long_is_bounded() -> None:
    items = "".join(f"<item><guid>{number}</guid><title>{'x' * 900}\x07\x1b[1m</title></item>" for number in range(700))
    found = feed(rss(items))
    assert (len(found.items), found.left_out) == (ITEMS_READ_LIMIT, 200)
    assert len(found.items[0].title) == 500
    assert all(character.isprintable() for character in found.items[0].title)


def test_an_item_twice_in_a_feed_is_one_item() -> None:
    assert len(feed(rss("<item><guid>a</guid><title>A</title></item>" * 3)).items) == 1


def test_a_feed_without_items_is_a_feed() -> None:
    assert feed(rss("")).items == ()


@pytest.mark.parametrize("date", ["", "yesterday", "Sat, 31 Feb 2026 00:00:00 GMT", "0000-00-00", "9" * 400, "-1"])
def test_a_date_that_is_none_is_no_date(date: str) -> None:
    (item,) = feed(rss(f"<item><title>A</title><pubDate>{date}</pubDate></item>")).items
    assert item.published is None or item.published >= 0


def test_addresses_that_are_no_web_addresses_are_none() -> None:
    links = ("javascript:alert(1)", "file:///etc/passwd", "http://[", "mailto:a@b.c", "ftp://example.org/")
    for link in links:
        (item,) = feed(rss(f"<item><title>A</title><link>{link}</link></item>")).items
        assert item.link == ""


def test_a_document_that_names_a_file_reads_no_file() -> None:
    entity = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
    text = rss("<item><title>A &x;</title></item>").replace("?>", f"?>{entity}")
    assert feed(text).items[0].title.startswith("A")
    with pytest.raises(BadSource):
        reading.read(b"/etc/hostname", content_type="", url=URL)


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        ("<link rel='alternate' type='application/rss+xml' href='/rss'>", ["https://example.org/rss"]),
        (
            (
                "<base href='https://other.example/'>"
                "<link rel=alternate type='application/rss+xml' href=rss title='Comments'>"
                "<link rel=ALTERNATE type='application/atom+xml; charset=utf-8' href=atom>"
            ),
            ["https://other.example/atom", "https://other.example/rss"],
        ),
        ("<link rel='alternate' hreflang='de' type='text/html' href='/de'><a href='/rss'>RSS</a>", None),
        ("<p>Nothing.</p>", None),
    ],
)
def test_a_page_names_feeds(page: str, wanted: list[str] | None) -> None:
    data = f"<!DOCTYPE html><html><head>{page}</head><body><p>A blog</p></body></html>".encode()
    if wanted is None:
        with pytest.raises(BadSource):
            reading.read(data, content_type="text/html", url=URL)
        return
    assert reading.read(data, content_type="text/html", url=URL) == PageLinks(tuple(wanted))


class OneLine(Frozen):
    line: Line


@given(st.text(max_size=60), st.binary(max_size=40))
@settings(max_examples=150, deadline=None)
def test_any_document_is_a_feed_a_page_or_a_named_error(text: str, data: bytes) -> None:
    for document in (
        data,
        text.encode("utf-8", "surrogatepass"),
        b"<rss version='2.0'><channel><item><title>" + data + text.encode("utf-8", "surrogatepass"),
        json.dumps({"version": "https://jsonfeed.org/version/1", "items": [{"id": text, "title": text}]}).encode(),
    ):
        try:
            found = reading.read(document, content_type="", url=URL)
        except BadSource:
            continue
        for item in found.items if isinstance(found, ParsedFeed) else ():
            OneLine(line=item.title)
            item.html.encode()


def test_opml_is_read_and_written() -> None:
    data = (
        b'<?xml version="1.0"?><!DOCTYPE opml [<!ENTITY a "b">]><opml version="1.1"><head/><body>'
        b'<outline text="News"><outline type="rss" text="A &amp; B" xmlUrl="https://a.example/f"/>'
        b'<outline TITLE="C" XMLURL="https://c.example/f"/></outline><outline text="no feed"/>'
        b'<outline xmlUrl="https://a.example/f"/></body></opml>'
    )
    found = opml.read(data)
    assert [(one.url, one.title) for one in found] == [("https://a.example/f", "A & B"), ("https://c.example/f", "C")]
    assert opml.read(opml.written(found, title="Feeds")) == found


@pytest.mark.parametrize("data", [b"", b"nonsense", b"<html><outline xmlUrl='https://a.example/'/></html>", b"{}"])
def test_what_is_no_opml_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(BadSource, match="not an OPML"):
        opml.read(data)


def test_opml_with_too_much_is_refused() -> None:
    body = "".join(f"<outline xmlUrl='https://example.org/{number}'/>" for number in range(3_000))
    with pytest.raises(TooLarge):
        opml.read(f"<opml><body>{body}</body></opml>".encode())
