"""Shells accept the completion scripts and complete commands with them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Podcast

PODCAST = Path(sys.executable).with_name("podcast")


def test_nothing_asked_for_is_help_and_no_mistake(podcast: Podcast) -> None:
    for command in ([], ["dlq"]):
        result = podcast(*command)
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout.startswith("Usage: podcast")
        assert result.stdout == podcast(*command, "--help").stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_accepts(podcast: Podcast, tmp_path: Path, shell: str) -> None:
    result = podcast("completion", shell)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "_PODCAST_COMPLETE" in result.stdout
    script = tmp_path / "script"
    script.write_text(result.stdout)
    subprocess.run([shell, "-n", script], check=True, timeout=30)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_program_answers_each_shells_question(tmp_path: Path, shell: str) -> None:
    environment = {
        "PATH": f"{PODCAST.parent}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "_PODCAST_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": "podcast re",
        "COMP_CWORD": "re" if shell == "fish" else "1",
    }
    shown = subprocess.run([PODCAST], env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert "render" in shown.stdout
    assert "submit" not in shown.stdout


def test_fish_completes_with_it(podcast: Podcast, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(podcast("completion", "fish").stdout)
    environment = {"PATH": f"{PODCAST.parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    asked = ["fish", "--private", "-c", f"source {script}; complete -C 'podcast re'"]
    shown = subprocess.run(asked, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert "render" in shown.stdout, shown.stderr


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("podcast re", {"render"}),
        ("podcast dlq re", {"replay"}),
        ("podcast render --eng", {"--engine"}),
        ("podcast jobs --state fa", {"failed"}),
    ],
)
def test_bash_completes_with_it(podcast: Podcast, tmp_path: Path, line: str, offered: set[str]) -> None:
    script = tmp_path / "script"
    script.write_text(podcast("completion", "bash").stdout)
    words = line.split()
    ask = f"""
        . {script}
        COMP_WORDS=({" ".join(words)}); COMP_CWORD={len(words) - 1}
        _podcast_completion podcast
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    environment = {"PATH": f"{PODCAST.parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    shown = subprocess.run(
        ["bash", "-c", ask], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert set(shown.stdout.split()) >= offered, shown.stderr
