"""The words that an extractor chose are found in the page, each once, and nothing that only repeats them."""

from __future__ import annotations

import pytest
from lxml import html as lxml_html

from services.chunker.documents.pages import choosing, picking, tidying
from services.chunker.documents.pages.chains import heaviest_chain
from services.chunker.documents.pages.segments import words
from services.chunker.documents.tag_soup import without_programs

LEAD = "The ferry leaves the harbour at noon, and whoever wants to see the islands has to be on board by then."
STORY = "".join(
    f"<p>{number} boats follow it. They are slower, and nobody knows when they come back.</p>" for number in range(9)
)


def picked(body: str) -> str:
    article = picking.pick(f"<html><head><title>t</title></head><body>{body}</body></html>")
    return words(lxml_html.document_fromstring(article.html))


def test_pieces_are_put_where_most_of_them_are_in_order() -> None:
    far, one, two = (90, 99), (10, 20), (20, 30)
    assert heaviest_chain([[(far, 1)], [(one, 1)], [(two, 1)]]) == [None, one, two]
    assert heaviest_chain([[(one, 1)], [(one, 2)], [(two, 1)]]) == [None, one, two]
    assert heaviest_chain([[(one, 1), (two, 1)], [(one, 1), (two, 1)]]) == [one, two]
    assert heaviest_chain([[], []]) == [None, None]


def test_a_menu_that_repeats_the_beginning_of_the_article_goes() -> None:
    teasers = "".join(f"<li><p>{LEAD}</p> More about boat number {number}</li>" for number in range(9))
    said = picked(f"<nav><ul>{teasers}</ul></nav><article><h1>Ferries</h1><p>{LEAD}</p>{STORY}</article>")
    assert said.count("The ferry leaves") == 1
    assert "More about boat" not in said


def test_the_heading_of_the_article_is_kept_although_the_way_to_it_says_the_same() -> None:
    way = '<ol class="where"><li>Start</li><li>Ferries leave at noon</li></ol><aside>Ads</aside>'
    root = lxml_html.document_fromstring(f"<body>{way}<h1>Ferries leave at noon</h1><p>{LEAD}</p></body>")
    choosing.keep(root.find("body"), f"Ferries leave at noon\n{LEAD}")
    assert words(root) == f"Ferries leave at noon {LEAD}"


def test_short_lines_are_found_although_a_long_one_stands_elsewhere_too() -> None:
    long = "The salt that the islands are known for, in bags of a pound each"
    lines = ["Flour", "400 grams", long, "2 bags", "Water"]
    page = "".join(f"<p>{line}</p>" for line in lines) + f"<p>{LEAD}</p>"
    root = lxml_html.document_fromstring(f"<body>{page}</body>")
    choosing.keep(root.find("body"), "\n".join([*lines[:2], *lines[3:], LEAD, long]))
    assert words(root) == f"Flour 400 grams {long} 2 bags Water {LEAD}"


def test_bold_text_around_a_picture_is_kept() -> None:
    page = f"<p><strong><div><span>A picture by hand</span></div>{LEAD}</strong></p><p>{LEAD.upper()} And so on.</p>"
    root = lxml_html.document_fromstring(f"<body>{page}</body>")
    choosing.keep(root.find("body"), f"{LEAD}\n{LEAD.upper()} And so on.")
    assert LEAD in words(root)


def test_a_heading_with_its_words_in_several_elements_does_not_double_itself() -> None:
    root = lxml_html.document_fromstring("<body><h3><em><span>Boats</span></em></h3><h3>Boats</h3><p>x</p></body>")
    assert [element.tag for element in tidying.doubled_headings(root)] == ["h3"]
    assert root.find("body")[1] in tidying.doubled_headings(root)


@pytest.mark.parametrize("how", ['style="display:none"', "style='color: red; visibility : hidden;'", "hidden"])
def test_what_a_page_does_not_show_is_not_read(how: str) -> None:
    said = picked(
        f"<nav>Menu</nav><article><h1>Ferries</h1><p>Write to a@<span {how}>no spam</span>b.org.</p>{STORY}</article>"
    )
    assert "Write to a@b.org." in said


def test_the_head_of_a_section_is_read() -> None:
    items = "".join(f"<li><header><h3>About boat {number}</h3></header><p>{LEAD}</p></li>" for number in range(3))
    assert "About boat 1" in picked(f"<nav>Menu</nav><article><h1>Ferries</h1>{STORY}<ul>{items}</ul></article>")


def test_what_stands_beside_a_picture_belongs_to_its_caption() -> None:
    figure = '<figure><div><img src="a.png"><span>\u00a9 Jane</span></div><figcaption>A boat</figcaption></figure>'
    root = lxml_html.document_fromstring(f"<body>{figure}<figure><img src=a><p>Text</p></figure></body>")
    tidying.join_captions(root)
    assert [words(caption) for caption in root.iter("figcaption")] == ["\u00a9 Jane A boat"]
    assert words(root) == "\u00a9 Jane A boat Text"


def test_programs_that_a_server_should_have_run_are_not_text() -> None:
    page = 'One <?php echo "<b>x</b>"; ?>two <%= "<i>" %>three <?xml version="1.0"?> <?php no end >'
    assert without_programs(page) == 'One two three <?xml version="1.0"?> <?php no end >'
    assert without_programs("<?php " * 50_000) == "<?php " * 50_000
