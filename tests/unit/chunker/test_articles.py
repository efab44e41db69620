"""What of a web page is not the article is counted, with its reason."""

from __future__ import annotations

import pytest

from services.chunker.documents.pages.picking import pick
from services.chunker.documents.reading import read_document

_TEXT = "".join(
    f"<p>This is paragraph number {index} of a long article about ferries and islands, with enough words to be one, and"
    " a little more so that it is taken for one.</p>"
    for index in range(12)
)
_PAGE = f"""<html><head><title>The Ferry</title></head><body>
<nav><a href="/">Home</a> <a href="/b">News</a></nav>
<article><h1>The Ferry</h1>{_TEXT}<iframe src="https://video.example/1"></iframe>
<ul><li>one <p>inner</p></li><li>two things</li></ul><blockquote><p>quoted words here</p></blockquote></article>
<div class="related"><h3>More stories</h3><p>Ten ways to cook an egg</p></div>
<div class="comments"><p>First comment!</p></div>
<footer>© 2026</footer></body></html>"""


def _omitted(page: str) -> dict[str, tuple[int, str]]:
    return {omission.kind: (omission.count, omission.sample) for omission in pick(page).omissions}


def test_what_is_beside_the_article_and_what_is_embedded_in_it_is_known() -> None:
    assert _omitted(_PAGE) == {
        "page furniture": (2, "Home News"),
        "teasers": (1, "More stories Ten ways to cook an egg"),
        "comments": (1, "First comment!"),
        "embedded media": (1, "https://video.example/1"),
    }


def test_an_article_alone_leaves_nothing_out() -> None:
    assert _omitted(f"<html><body><article><h1>The Ferry</h1>{_TEXT}</article></body></html>") == {}


@pytest.mark.anyio
@pytest.mark.usefixtures("one_loop")
async def test_they_are_omissions_of_the_document() -> None:
    document = await read_document(_PAGE.encode(), format="html", name="", deadline_seconds=60)

    found = {omission.kind: (omission.count, omission.sample) for omission in document.omissions}
    assert found == {
        "page furniture": (2, "Home News"),
        "teasers": (1, "More stories Ten ways to cook an egg"),
        "comments": (1, "First comment!"),
        "embedded media": (1, "https://video.example/1"),
    }
    assert all(omission.reason for omission in document.omissions)
