"""Covers that books and pages bring along: where they are found, what is made of them, which are refused."""

from __future__ import annotations

import base64
import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import HttpUrl

from services.chunker.documents import embedded, pictures
from services.chunker.documents.reading import read_packed
from shared.errors import BadSource
from shared.protocol.messages import JobRequest, ObjectSource, UrlSource
from shared.protocol.narration import Narration
from shared.store import keys
from tests.unit.chunker import made_documents
from tests.unit.chunker.test_fetching import Answer, answering, server
from tests.unit.chunker.test_handlers import Harness

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("one_loop")]

RED, BLUE = (200, 16, 16), (16, 16, 200)


def picture(
    width: int, height: int, *, kind: str = "JPEG", mode: str = "RGB", colour: tuple[int, ...] = RED, **options: object
) -> bytes:
    made = io.BytesIO()
    Image.new(mode, (width, height), colour).save(made, kind, **options)
    return made.getvalue()


def opened(jpeg: bytes) -> Image.Image:
    assert jpeg.startswith(b"\xff\xd8\xff")
    return Image.open(io.BytesIO(jpeg)).convert("RGB")


def near(found: object, wanted: tuple[int, ...]) -> bool:
    return isinstance(found, tuple) and all(abs(one - other) < 6 for one, other in zip(found, wanted, strict=True))


# ---------------------------------------------------------------- what is made of a picture


@pytest.mark.parametrize(
    ("width", "height", "side"), [(1400, 1400, 1400), (3000, 3000, 3000), (4000, 4000, 3000), (1600, 2560, 2560)]
)
def test_a_cover_is_square_and_within_the_limits_of_podcasts(width: int, height: int, side: int) -> None:
    made = pictures.fitted(picture(width, height))
    assert (made.width, made.height) == (width, height)
    assert opened(made.jpeg).size == (side, side)


def test_a_page_is_put_on_a_square_of_the_colour_of_its_edge_and_nothing_is_cut_off() -> None:
    page = Image.new("RGB", (1000, 1600), BLUE)
    page.paste(RED, (100, 0, 900, 1600))  # blue at both edges
    data = io.BytesIO()
    page.save(data, "PNG")
    cover = opened(pictures.fitted(data.getvalue()).jpeg)
    assert cover.size == (1600, 1600)
    assert near(cover.getpixel((5, 800)), BLUE)
    assert near(cover.getpixel((340, 800)), BLUE)
    assert near(cover.getpixel((800, 5)), RED)
    assert near(cover.getpixel((1595, 800)), BLUE)


@pytest.mark.parametrize(
    ("width", "height", "why"),
    [
        (600, 900, "has 600 x 900 pixels, and 1400 to 3000 a side are needed"),
        (1399, 1399, "1399 x 1399"),
        (1, 1400, "banner"),
        (3000, 1000, "has 3000 x 1000 pixels, which is a banner"),
    ],
)
def test_a_small_picture_and_a_banner_are_refused_with_their_size(width: int, height: int, why: str) -> None:
    made = pictures.fitted(picture(width, height))
    assert made.jpeg == b""
    assert why in made.why_not


@pytest.mark.parametrize(
    ("kind", "mode", "colour"),
    [
        ("PNG", "RGBA", (0, 0, 0, 0)),
        ("PNG", "P", (3,)),
        ("PNG", "L", (255,)),
        ("JPEG", "CMYK", (0, 0, 0, 0)),
        ("WEBP", "RGB", (255, 255, 255)),
        ("GIF", "L", (255,)),
    ],
)
def test_other_formats_and_colours_become_a_jpeg(kind: str, mode: str, colour: tuple[int, ...]) -> None:
    data = picture(1500, 1500, kind=kind, mode=mode, colour=colour if len(colour) > 1 else colour[0])  # type: ignore[arg-type]  # Pillow takes a number for one band
    cover = opened(pictures.fitted(data).jpeg)
    assert cover.size == (1500, 1500)
    if mode != "P":
        assert near(cover.getpixel((700, 700)), (255, 255, 255))


def test_a_picture_is_turned_as_its_camera_says_and_keeps_nothing_else_of_it() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it a quarter
    exif[0x010E] = "where it was taken"
    page = Image.new("RGB", (1500, 2000), RED)
    page.paste(BLUE, (0, 0, 1500, 1000))  # above; at the right when it is turned
    data = io.BytesIO()
    page.save(data, "JPEG", exif=exif)
    made = pictures.fitted(data.getvalue() + b"behind the end").jpeg
    assert b"where it was taken" not in made
    assert b"behind the end" not in made
    cover = opened(made)
    assert near(cover.getpixel((1800, 1000)), BLUE)
    assert near(cover.getpixel((200, 1000)), RED)


def png(width: int, height: int, rows: bytes = b"") -> bytes:
    """A PNG that says that it has this size, whatever is in it."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


HOSTILE = {
    "a bomb of a gigapixel": png(32_000, 32_000, bytes(1_000)),
    "a header that promises more than there is": png(2_000, 2_000, bytes(100)),
    "no size at all": png(0, 0),
    "cut in the middle": picture(1_500, 1_500)[:5_000],
    "only the mark of a JPEG": b"\xff\xd8\xff",
    "only the mark of a WebP": b"RIFF\xff\xff\xff\xffWEBP",
    "a GIF of nothing": b"GIF89a" + bytes(40),
    "a drawing with a script": b'<svg xmlns="http://www.w3.org/2000/svg"><script>fetch("http://x")</script></svg>',
    "a text": b"no picture",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_picture_is_refused_and_nothing_is_raised(name: str) -> None:
    made = pictures.fitted(HOSTILE[name])
    assert made.jpeg == b""
    assert made.why_not


# ---------------------------------------------------------------- where it is found


def with_cover(named: str, cover: bytes = b"") -> bytes:
    """A book with a cover that is named in one of the ways that books have."""
    pages = {
        "cover.xhtml": '<p><img src="../art/front.jpg" alt=""/></p>',
        "one.xhtml": "<h1>One</h1><p>Words of one.</p>",
    }
    guide = '<reference type="cover" title="Cover" href="text/cover.xhtml"/>' if named == "guide" else ""
    if named == "drawing":
        pages["cover.xhtml"] = (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
            '<image width="9" height="9" xlink:href="../art/front.jpg"/></svg>'
        )
        guide = '<reference type="cover" href="text/cover.xhtml"/>'
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(made_documents.epub(pages, guide=guide))) as plain,
        zipfile.ZipFile(made, "w") as book,
    ):
        for name in plain.namelist():
            data = plain.read(name)
            if name.endswith(".opf"):
                properties = 'properties="cover-image"' if named == "property" else ""
                item = f'<item id="art" href="art/front.jpg" media-type="image/jpeg" {properties}/></manifest>'
                data = data.replace(b"</manifest>", item.encode())
                if named == "meta":
                    data = data.replace(b"</metadata>", b'<meta name="cover" content="art"/></metadata>')
            book.writestr(name, data)
        book.writestr("OEBPS/art/front.jpg", cover or picture(1400, 1400))
    return made.getvalue()


@pytest.mark.parametrize("named", ["property", "meta", "guide", "drawing"])
async def test_the_cover_of_a_book_is_found_however_it_is_named(named: str) -> None:
    packed = await read_packed(with_cover(named), format=None, name="book.epub", deadline_seconds=60)
    assert packed.picture is not None
    assert packed.picture.data == picture(1400, 1400)
    assert packed.document().title == "A Book"


async def test_a_picture_that_no_one_calls_a_cover_is_none() -> None:
    packed = await read_packed(with_cover("no way"), format=None, name="book.epub", deadline_seconds=60)
    assert packed.picture is None


def test_the_cover_of_a_fiction_book_is_found() -> None:
    book = (
        b'<FictionBook><description><title-info><coverpage><image l:href="#c.jpg"/></coverpage></title-info>'
        b'</description><body/><binary id="other">AAAA</binary><binary content-type="image/jpeg" id="c.jpg">'
        + base64.b64encode(picture(1400, 1400))
        + b"</binary></FictionBook>"
    )
    found = embedded.picture(book, "fb2")
    assert found is not None
    assert found.data == picture(1400, 1400)


async def test_the_cover_beside_the_documents_of_a_folder_is_found_and_is_not_listed_as_left_out() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("book/1.txt", "Words of one.")
        archive.writestr("book/2.txt", "Words of two.")
        archive.writestr("book/art/cover.png", b"no picture")
        archive.writestr("book/Cover.jpg", picture(1400, 1400))
    packed = await read_packed(made.getvalue(), format=None, name="book.zip", deadline_seconds=60)
    assert packed.picture is not None
    assert packed.picture.data == picture(1400, 1400)
    assert [(each.kind, each.count, each.sample) for each in packed.document().omissions] == [
        ("file", 1, "book/art/cover.png")
    ]


# ---------------------------------------------------------------- jobs


async def job_of(harness: Harness, data: bytes, name: str = "book.epub", **fields: object) -> JobRequest:
    await harness.store.put(keys.source("j", name), data)
    return JobRequest.model_validate(
        {"job_id": "j", "source": ObjectSource(key=keys.source("j", name)), **fields}, strict=False
    )


async def test_a_books_cover_is_stored_as_the_jobs_own(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    manifest = await harness.chunk(await job_of(harness, with_cover("property")))
    assert (manifest.has_cover, manifest.warnings) == (True, ())
    assert opened(await harness.store.get(keys.cover("j"))).size == (1400, 1400)


async def test_no_cover_is_taken_where_the_job_brings_one_or_wants_none_or_a_setting_says_so(tmp_path: Path) -> None:
    cases: tuple[tuple[dict[str, bool], dict[str, Any]], ...] = (
        ({}, {"cover": keys.source("j", "mine.png")}),
        ({}, {"narration": Narration(cover=False)}),
        ({"cover_from_source": False}, {}),
    )
    for number, (settings, fields) in enumerate(cases):
        harness = Harness(tmp_path / str(number), **settings)
        await harness.store.put(keys.source("j", "mine.png"), b"mine")
        manifest = await harness.chunk(await job_of(harness, with_cover("property"), **fields))
        assert not manifest.has_cover
        assert not await harness.store.exists(keys.cover("j"))


async def test_a_job_may_want_a_cover_although_a_setting_says_none(tmp_path: Path) -> None:
    harness = Harness(tmp_path, cover_from_source=False)
    manifest = await harness.chunk(await job_of(harness, with_cover("meta"), narration=Narration(cover=True)))
    assert manifest.has_cover


def site(head: str, *, image: bytes = b"", status: str = "200 OK") -> Answer:
    page = f"<html><head><title>An essay</title>{head}</head><body><p>Words of a page.</p></body></html>"

    async def answer(path: str, writer: object) -> None:
        if path.startswith("/art/"):
            await answering(status, image)(path, writer)  # type: ignore[arg-type]  # the writer is passed on
        else:
            await answering("200 OK", page.encode(), content_type="text/html")(path, writer)  # type: ignore[arg-type]  # likewise

    return answer


HEADS = [
    '<meta property="og:image" content="art/front.png">',
    '<meta name="twitter:image" content="/art/front.png">',
    '<script type="application/ld+json">{"@type": "NewsArticle", "image": [{"url": "/art/front.png"}]}</script>',
]


@pytest.mark.parametrize("head", HEADS)
async def test_the_picture_of_a_page_becomes_the_cover(tmp_path: Path, head: str) -> None:
    harness = Harness(tmp_path)
    async with server(site(head, image=picture(1500, 1500, kind="PNG"))) as url:
        manifest = await harness.chunk(JobRequest(job_id="j", source=UrlSource(url=HttpUrl(f"{url}/essay"))))
    assert (manifest.has_cover, manifest.warnings) == (True, ())
    assert opened(await harness.store.get(keys.cover("j"))).size == (1500, 1500)


@pytest.mark.parametrize(
    ("head", "image", "status", "why"),
    [
        (HEADS[0], picture(1200, 630), "200 OK", "has 1200 x 630 pixels"),
        (HEADS[0], b"", "404 Not Found", "404"),
        (HEADS[0], b"", "503 Busy", "503"),
        (HEADS[0], b"<html>", "200 OK", "no JPEG, PNG, WebP or GIF"),
        (HEADS[0], HOSTILE["a bomb of a gigapixel"], "200 OK", "pixels"),
        ('<meta property="og:image" content="http://10.1.2.3/x.png">', b"", "200 OK", "cannot be used"),
        ('<meta property="og:image" content="file:///etc/passwd">', b"", "200 OK", "not an http or https address"),
        ('<meta property="og:image" content="http://[">', b"", "200 OK", None),
    ],
)
async def test_a_page_whose_picture_cannot_be_used_is_spoken_and_says_why(
    tmp_path: Path, head: str, image: bytes, status: str, why: str | None
) -> None:
    harness = Harness(tmp_path)
    async with server(site(head, image=image, status=status)) as url:
        manifest = await harness.chunk(JobRequest(job_id="j", source=UrlSource(url=HttpUrl(f"{url}/essay"))))
    assert [chunk.text for chunk in manifest.chunks] == ["Words of a page."]
    assert not manifest.has_cover
    assert [why in warning for warning in manifest.warnings if why] == ([True] if why else [])


async def test_a_page_that_a_client_has_sent_has_nothing_fetched(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    asked = []

    async def answer(path: str, writer: object) -> None:
        asked.append(path)
        await answering("200 OK", picture(1500, 1500))(path, writer)  # type: ignore[arg-type]  # the writer is passed on

    async with server(answer) as url:
        page = f'<html><head><meta property="og:image" content="{url}/x.png"></head><body><p>Words.</p></body></html>'
        manifest = await harness.chunk(await job_of(harness, page.encode(), "page.html"))
    assert (manifest.has_cover, asked) == (False, [])


async def test_the_album_of_an_article_is_its_site_and_that_of_a_book_its_title(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    async with server(site('<meta property="og:site_name" content="The Daily">')) as url:
        article = await harness.chunk(JobRequest(job_id="a", source=UrlSource(url=HttpUrl(f"{url}/essay"))))
    assert (article.title, article.album) == ("An essay", "The Daily")
    book = await harness.chunk(await job_of(harness, with_cover("meta")))
    assert (book.title, book.album) == ("A Book", "")  # then the title is the album


async def test_a_book_that_is_only_a_picture_is_refused_all_the_same() -> None:
    with pytest.raises(BadSource, match="nothing to speak"):
        await read_packed(
            made_documents.epub({"cover.xhtml": '<p><img src="x.jpg" alt=""/></p>'}),
            format=None,
            name="book.epub",
            deadline_seconds=60,
        )
