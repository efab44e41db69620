"""`-o` writes where it says and creates no unrequested folder, and a title stays inside the folder."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from shared.client import destinations, fetching
from shared.errors import BadInput, NotFound
from shared.store import keys
from shared.store.port import Store
from tests.hostile_text import ALL, CORPUS, commands_in
from tests.unit.cli.conftest import Podcast, a_status, put_status

TITLES = [
    "../../etc/passwd",
    "..",
    ".",
    "",
    "/",
    "/etc/passwd",
    "a/b\\c",
    "CON",
    "nul",
    "x" * 5_000,
    "語" * 500,
    "\U0001d49c" * 500,
]


@pytest.mark.parametrize("title", [*TITLES, ALL, *CORPUS.values()])
def test_a_title_names_one_file_in_the_folder_whatever_it_is(title: str, tmp_path: Path) -> None:
    name = destinations.file_name(title)
    path = tmp_path / f"{name}.chapters.json"
    path.write_text("x", encoding="utf-8")
    assert list(tmp_path.iterdir()) == [path]
    assert not name.startswith((".", "-"))
    assert name.upper() not in {"", "CON", "NUL"}
    assert commands_in(name, allowed="") == []


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("A/Title: of…", "A-Title-of"),
        ("हिन्दी में", "हिन्दी-में"),
        ("Cafe\u0301", "Café"),
        ("..", "episode"),
        ("con", "episode-con"),
        ("Nr. 5 (2026)", "Nr-5-2026"),
    ],
)
def test_a_title_is_recognised_in_its_file_name(title: str, name: str) -> None:
    assert destinations.file_name(title) == name


def finished(store: Store, title: str = "T", **files: str) -> None:
    files = files or {"mp3": keys.episode("j", "mp3")}
    for key in files.values():
        asyncio.run(store.put(key, b"sound"))
    put_status(store, a_status("j", title=title, files=files))


def everything_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if "store" not in path.parts)


@pytest.mark.parametrize("output", ["no/such/o.mp3", "no/such/", "no/o.mp3"])
def test_a_missing_folder_is_named_with_how_to_make_it_and_nothing_is_done(
    podcast: Podcast, store: Store, tmp_path: Path, output: str
) -> None:
    finished(store)
    result = podcast("fetch", "j", "-o", output)
    assert result.exit_code == 2
    missing = tmp_path / ("no/such" if output == "no/such/o.mp3" else "no")
    assert result.stderr == f"podcast: There is no folder {missing}. Make it with `mkdir -p {missing}`.\n"
    assert everything_below(tmp_path) == []


def test_a_folder_is_made_only_when_there_is_something_to_put_in_it(
    podcast: Podcast, store: Store, tmp_path: Path
) -> None:
    put_status(store, a_status("j", "failed", error="It did not work."))
    assert podcast("fetch", "j", "-o", "all/").exit_code == 1
    put_status(store, a_status("j", files={"mp3": keys.episode("j", "mp3")}))
    assert podcast("fetch", "j", "-o", "all/").exit_code == 2, "the store has lost the file"
    put_status(store, a_status("j"))
    assert podcast("fetch", "j", "-o", "all/").exit_code == 0, "it made none"
    assert everything_below(tmp_path) == []
    finished(store)
    assert podcast("fetch", "j", "-o", "all/").exit_code == 0
    assert everything_below(tmp_path) == ["all", "all/T.mp3"]


def test_a_name_without_suffix_is_neither_file_nor_folder(podcast: Podcast, store: Store, tmp_path: Path) -> None:
    finished(store)
    result = podcast("fetch", "j", "-o", "all")
    assert result.exit_code == 2
    assert "Write all/ to make the folder, or all.mp3 for a file." in result.stderr
    assert everything_below(tmp_path) == []


def test_a_status_can_name_neither_another_place_nor_another_jobs_object(
    podcast: Podcast, store: Store, tmp_path: Path
) -> None:
    finished(store, **{"/../../escaped": keys.episode("j", "x"), "mp3": keys.episode("j", "mp3")})
    (tmp_path / "all").mkdir()
    assert podcast("fetch", "j", "-o", "all").exit_code == 0
    assert everything_below(tmp_path) == ["all", "all/T.mp3"]
    finished(store, mp3=keys.episode("other", "mp3"))
    result = podcast("fetch", "j", "-o", "o.mp3")
    assert result.exit_code == 2
    assert "names a file that is not its own" in result.stderr


def test_a_link_in_the_folder_is_replaced_and_not_followed(podcast: Podcast, store: Store, tmp_path: Path) -> None:
    finished(store)
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "T.mp3").symlink_to(victim)
    assert podcast("fetch", "j", "-o", "all").exit_code == 0
    assert victim.read_text() == "mine"
    assert (tmp_path / "all" / "T.mp3").read_text() == "sound"


async def test_fetching_what_is_not_there_makes_nothing(store: Store, tmp_path: Path) -> None:
    status = a_status("j", files={"mp3": keys.episode("j", "mp3")})
    with pytest.raises(NotFound):
        await fetching.fetch(store, {"mp3": tmp_path / "new" / "o.mp3"}, status)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for output in ("file/o.mp3", "file/"):
        with pytest.raises(BadInput):
            destinations.destination(str(tmp_path / output) + ("/" if output.endswith("/") else ""))
