"""`podcast deploy init`: complete, private, and repeatable without losing a secret."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

from deploy.stack.env_file import read_env
from deploy.stack.initialising import initialise

TAG = {"PODCAST_TAG": "2026.11"}


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_what_exists_stays_and_what_is_missing_is_made(tmp_path: Path) -> None:
    first = initialise(tmp_path, TAG)
    before = contents(tmp_path)
    assert set(first.written) == set(before)

    assert initialise(tmp_path, {}).written == ()
    assert contents(tmp_path) == before

    (tmp_path / "secrets" / "gateway_key").unlink()
    assert initialise(tmp_path, {}).written == ("secrets/gateway_key", "stack.env")
    after = contents(tmp_path)
    assert {name for name in after if after[name] != before[name]} == {"secrets/gateway_key", "stack.env"}


def test_every_file_is_its_owners_alone(tmp_path: Path) -> None:
    initialise(tmp_path, TAG)
    for path in [tmp_path, *tmp_path.rglob("*")]:
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_a_changed_secret_has_another_name_and_the_same_one_the_same(tmp_path: Path) -> None:
    initialise(tmp_path, TAG)
    before = read_env(tmp_path / "stack.env")
    (tmp_path / "secrets" / "gateway_key").write_text("another")
    initialise(tmp_path, {})
    after = read_env(tmp_path / "stack.env")
    assert {name for name in after if after[name] != before[name]} == {"PODCAST_HASH_GATEWAY_KEY"}


def test_options_are_kept_and_a_shell_reads_them_as_we_do(tmp_path: Path) -> None:
    odd = 'it\'s $HOME `x` "y" # z'
    initialise(tmp_path, {**TAG, "PODCAST_ODD": odd})
    initialise(tmp_path, {"PODCAST_TAG": "2026.12"})
    assert read_env(tmp_path / "stack.env")["PODCAST_ODD"] == odd
    shown = subprocess.run(
        ["sh", "-c", 'set -a; . "$1"; exec printenv PODCAST_ODD PODCAST_TAG', "sh", tmp_path / "stack.env"],
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    assert shown.stdout == f"{odd}\n2026.12\n"
