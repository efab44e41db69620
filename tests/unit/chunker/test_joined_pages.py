"""The pages of a book as one: what their anchors and links are called, and that none reaches into the next."""

from __future__ import annotations

import pytest

from services.chunker.documents.books import joining


def test_anchors_and_links_have_the_name_of_their_page() -> None:
    [page] = joining.joined(
        {
            "a.html": "<html><head><title>A</title></head>"
            '<body class="x"><p id="one"><a href="#one">1</a></p></body></html>',
            "b.html": "<body><a name='two'/><a href='../text/a.html#one'>to a</a> <a href=\"a.html\">a</a></body>",
        }
    )
    assert '<div id="a.html">' in page
    assert '<p id="a.html_one"><a href="#a.html_one">1</a></p>' in page
    assert '<a name="b.html_two"/><a href="#a.html_one">to a</a> <a href="#a.html">a</a>' in page
    assert "<title>" not in page


@pytest.mark.parametrize("address", ["https://example.org/a.html#one", "c.html#x", "mailto:a@example.org"])
def test_links_that_lead_out_of_the_book_stay(address: str) -> None:
    own = {"a.html": "<body/>", "b.html": f'<body><p><a href="{address}">there</a></p></body>'}

    assert f'href="{address}"' in "".join(joining.joined(own))


def test_a_page_that_is_broken_ends_where_it_ends() -> None:
    [page] = joining.joined({"a.html": "<body><table><tr><td><pre>Words", "b.html": "<body><p>More</p></body>"})
    first, second = page.split('<div id="b.html">')
    for name in ("table", "tr", "td", "pre"):
        assert first.count(f"<{name}>") == first.count(f"</{name}>")
    assert "Words" in first
    assert "<p>More</p>" in second


def test_of_a_page_with_a_main_part_that_is_read_and_of_the_others_everything() -> None:
    [page] = joining.joined(
        {
            "a.html": '<body><p>Prev</p><div role="main" class="x"><main><p>One</p></main></div><p>Next</p></body>',
            "b.html": "<body><p>Two</p></body>",
            "c.html": '<html xmlns="http://www.w3.org/1999/xhtml"><body><i>x</i>'
            '<main><p id="i">Three</p></main></body></html>',
        }
    )
    assert "Prev" not in page
    assert '<div id="a.html"><div><div class="x"><div><p>One</p></div></div></div></div>' in page
    assert '<div id="b.html"><p>Two</p></div>' in page
    assert '<p id="c.html_i">Three</p></div></div></div>' in page
    assert "html:" not in page
    assert "main" not in page


def test_a_long_book_is_several_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "_PART_CHARACTERS", 100)
    pages = {f"{n}.html": f"<body><p>{'word ' * 15}{n}</p></body>" for n in range(5)}
    parts = joining.joined(pages)
    assert len(parts) == 5
    assert all(f'<div id="{n}.html"><p>{"word " * 15}{n}</p></div>' in part for n, part in enumerate(parts))


def test_an_empty_book_is_nothing() -> None:
    assert joining.joined({}) == ("",)
