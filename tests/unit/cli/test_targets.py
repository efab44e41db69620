"""Which system a command talks to: --api, --dir, a broker, PODCAST_API_URL, a running stack, in this order."""

from __future__ import annotations

import itertools
from pathlib import Path

import click
import pytest

from services.cli import targets
from services.cli.app import cli
from shared.errors import BadInput, BrokerDown, Misconfigured, PodcastError
from shared.settings import Settings
from tests.unit.cli.conftest import Podcast

GIVEN = "http://127.0.0.1:1001"
SET = "http://127.0.0.1:1002"
AMQP = "amqp://guest:guest@127.0.0.1:1003"
RUNNING = "amqp://guest:guest@127.0.0.1:1004"


def target(*arguments: str, directory: Path | None = None, only_store: bool = False) -> str:
    """The address that a command with these options of the group would talk to."""
    with cli.make_context("podcast", [*arguments, "jobs"]):
        found = targets.named(directory, only_store=only_store)
    return found.api.url if found.api else found.settings.amqp_url


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(settings: Settings) -> Settings:
        return settings.model_copy(update={"amqp_url": RUNNING})

    monkeypatch.setattr("services.cli.own_stack.running", found)


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize(("is_given", "has_broker", "has_api"), list(itertools.product([True, False], repeat=3)))
def test_the_command_line_comes_before_the_broker_and_the_broker_before_the_api(
    monkeypatch: pytest.MonkeyPatch, *, is_given: bool, has_broker: bool, has_api: bool
) -> None:
    if has_broker:
        monkeypatch.setenv("PODCAST_AMQP_URL", AMQP)
        monkeypatch.setenv("PODCAST_STORE_URL", "file:///tmp/nowhere")
    if has_api:
        monkeypatch.setenv("PODCAST_API_URL", SET)

    expected = GIVEN if is_given else AMQP if has_broker else SET if has_api else RUNNING

    options = ["--api", GIVEN] if is_given else []
    assert target(*options) == expected
    assert target(*options, only_store=True) == expected


@pytest.mark.usefixtures("running")
def test_a_folder_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PODCAST_API_URL", SET)
    monkeypatch.setenv("PODCAST_AMQP_URL", AMQP)
    assert target(directory=tmp_path) == RUNNING
    with pytest.raises(BadInput, match="two systems"):
        target("--api", GIVEN, directory=tmp_path)


def test_a_store_alone_is_still_half_a_stack_whatever_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODCAST_STORE_URL", "file:///tmp/nowhere")
    monkeypatch.setenv("PODCAST_API_URL", SET)
    with pytest.raises(Misconfigured, match="PODCAST_AMQP_URL is not"):
        target()
    assert target("--api", GIVEN) == GIVEN


def test_without_any_of_them_there_is_nothing_to_talk_to() -> None:
    with pytest.raises(BrokerDown, match="No stack is running"):
        target()


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8080", "ftp://127.0.0.1", "http://", "http://user:secret@127.0.0.1", "http://[", "http://a/?b"]
)
def test_an_address_that_cannot_be_one_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(Misconfigured, match=r"^--api: ") as raised:
        target("--api", url)
    assert "secret" not in str(raised.value)


def test_the_key_is_in_no_argument_and_in_no_message(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PODCAST_API_KEY", "from-the-environment")
    key = tmp_path / "key"
    key.write_text(" from-the-file\n")

    def api_of(*arguments: str) -> str:
        with cli.make_context("podcast", [*arguments, "jobs"]):
            api = targets.named(None).api
        assert api is not None
        assert api.key not in repr(api)
        return api.key

    assert api_of("--api", GIVEN) == "from-the-environment"
    assert api_of("--api", GIVEN, "--api-key-file", str(key)) == "from-the-file"
    assert not [option for option in cli.params if "--api-key" in option.opts]


@pytest.mark.parametrize("content", [b"", b"two words", b"\xff\xfe", b"a\nb"])
def test_a_file_without_a_key_is_refused(tmp_path: Path, content: bytes) -> None:
    key = tmp_path / "key"
    key.write_bytes(content)
    with pytest.raises(PodcastError):
        target("--api", GIVEN, "--api-key-file", str(key))


def test_help_says_what_comes_first(podcast: Podcast) -> None:
    text = " ".join(podcast("--help").output.split())
    assert "the first of these decides: --dir, PODCAST_AMQP_URL with PODCAST_STORE_URL, PODCAST_API_URL, a" in text
    assert click.unstyle(text) == text


@pytest.mark.parametrize("option", [["--speech-url", "http://127.0.0.1:9"], ["--synthesizers", "2"]])
def test_a_stack_of_its_own_is_not_over_http(podcast: Podcast, tmp_path: Path, option: list[str]) -> None:
    (tmp_path / "a.md").write_text("Hello.")
    result = podcast("--api", GIVEN, "render", "a.md", "-o", "a.mp3", *option)
    assert result.exit_code == 2
    assert "for a stack of this command's own, not for --api" in result.stderr
