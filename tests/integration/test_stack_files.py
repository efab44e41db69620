"""Other users of the machine can read nothing of a stack: no file, and no secret on any command line."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from deploy.local import StackState, read_state, stop
from deploy.local.plan import Identity
from tests.servers.speech_process import ToneSpeech

COMMAND = (sys.executable, "-m", "services.cli.app")
LIMIT_SECONDS = 150.0
SPEECH_PASSWORD = "speech-server-password"
SPEECH_KEY = "speech-server-key"
TEXT = "One sentence for the tones.\n\nAnd another one."


@pytest.fixture(scope="module")
def tones() -> Iterator[ToneSpeech]:
    with ToneSpeech() as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A stack's folder; its stack is taken down at the end."""
    directory = tmp_path / "stack"
    yield directory
    stop(directory)


def podcast(*arguments: str, umask: int, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        (*COMMAND, *arguments),
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
        umask=umask,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done


def open_to_others(directory: Path) -> list[str]:
    """Files with more than 0600 and folders with more than 0700, the folder itself included."""
    found = []
    for path in (directory, *directory.rglob("*")):
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            continue
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            found.append(f"{stat.filemode(status.st_mode)} {path.relative_to(directory)}")
    return found


def secrets_of(directory: Path, state: StackState) -> dict[str, str]:
    identity = Identity.of(directory)
    return {
        "the broker's password": identity.broker_password,
        "the broker's cookie": identity.broker_cookie,
        "the store's password": identity.store_password,
        "the broker's password in its address": urlsplit(state.amqp_url).password or "",
        "the speech server's password": SPEECH_PASSWORD,
        "the speech server's key": SPEECH_KEY,
    }


def command_lines() -> dict[str, str]:
    """Every process of the machine that we may inspect → its command line."""
    return {
        f"{process.info['pid']} {process.info['name']}": "\0".join(process.info["cmdline"] or ())
        for process in psutil.process_iter(["pid", "name", "cmdline"])
    }


@pytest.mark.parametrize(("store", "umask"), [("file", 0), ("file", 0o022), ("minio", 0)])
@pytest.mark.usefixtures("minio_binary")
def test_after_a_job_others_can_read_no_file_and_no_secret(
    folder: Path, tmp_path: Path, tones: ToneSpeech, store: str, umask: int
) -> None:
    environment = {
        "PODCAST_SPEECH_URL": f"http://reader:{SPEECH_PASSWORD}@127.0.0.1:{tones.port}",
        "PODCAST_SPEECH_API_KEY": SPEECH_KEY,
        "PODCAST_SPEECH_ENGINE": "tones",
        "PODCAST_NORMALISE_TEXT": "false",  # what is heard is compared with what is written
        "PODCAST_STATE_DIR": str(folder),
    }
    podcast("up", "--detach", "--store", store, umask=umask, environment=environment)
    state = read_state(folder)
    assert state is not None
    article = tmp_path / "article.md"
    article.write_text(TEXT)
    podcast("render", str(article), "-o", str(tmp_path / "episode.wav"), umask=umask, environment=environment)

    assert SPEECH_PASSWORD in state.speech_url, "the password is in use"
    shown = command_lines()
    assert any("services.synthesizer.app" in line for line in shown.values()), "the services are looked at"
    assert any("deploy.local.supervis" in line for line in shown.values()), "and their supervisor"
    for what, secret in secrets_of(folder, state).items():
        assert [process for process, line in shown.items() if secret in line] == [], what
    assert open_to_others(folder) == []
    umask_of_mine = stat.S_IMODE((tmp_path / "episode.wav").stat().st_mode)
    assert umask_of_mine == 0o666 & ~umask, "what is made for people has their own umask"


def test_a_folder_that_others_can_read_is_closed_when_its_stack_starts(folder: Path) -> None:
    letters = folder / "store" / "jobs"
    letters.mkdir(parents=True)
    (letters / "text").touch()
    (folder / "identity.json").write_text(Identity().model_dump_json())
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    speech = {"PODCAST_SPEECH_URL": "http://127.0.0.1:9"}  # nothing is spoken
    podcast("up", "--detach", "--dir", str(folder), umask=0, environment=speech)
    assert open_to_others(folder) == []
