"""docs/operations.md: alerts, runbooks, commands and links are those that there are."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from services.cli.app import cli
from tests.docs.console import blocks

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
HEADINGS = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)


def section(heading: str) -> str:
    """What stands below a heading, up to the next one."""
    return re.split(r"^#+ ", PAGE.split(f"\n### {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def alerts() -> Iterator[tuple[str, str]]:
    """The name of each alert, and where its runbook is said to be."""
    for path in sorted((ROOT / "deploy/monitoring").rglob("*.yml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        for group in document.get("groups", []) if isinstance(document, dict) else []:
            for rule in group.get("rules", []):
                if "alert" in rule:
                    yield rule["alert"], rule["annotations"]["runbook_url"]


def test_each_alert_has_a_section_and_each_section_an_alert() -> None:
    named = dict(alerts())
    assert named
    assert sorted(heading for heading in HEADINGS if heading.startswith("Podcast")) == sorted(named)
    for name, runbook_url in named.items():
        assert runbook_url.endswith(f"docs/operations.md#{name.lower()}")
        assert "**Do:**" in section(name)


def test_each_fault_test_has_a_runbook() -> None:
    proved = set(re.findall(r"`tests/fault/(test_\w+)\.py`", PAGE.split("## Runbooks")[1]))
    assert proved == {path.stem for path in (ROOT / "tests/fault").glob("test_*.py")}
    for heading in re.findall(r"^### (.+)$", PAGE.split("## Runbooks")[1], re.MULTILINE):
        assert "**You see:**" in section(heading)
        assert "**Do:**" in section(heading)


def anchor(heading: str) -> str:
    """How GitHub names a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)]+)\)", PAGE))))
def test_each_link_leads_somewhere(target: str) -> None:
    path, _, part = target.partition("#")
    if path:
        assert (ROOT / "docs" / path).exists()
    elif part:
        assert part in {anchor(heading) for heading in HEADINGS}


def words() -> Iterator[list[str]]:
    """Every `podcast …` that the page names, in blocks and in lines."""
    lines = [command.line for block in blocks(PAGE) for command in block.commands]
    lines += re.findall(r"`(podcast [^`]+)`", PAGE)
    for line in lines:
        some = shlex.split(line.split(">")[0])
        some = some[[word == "podcast" for word in some].index(True) :] if "podcast" in some else []
        if some:
            yield some[1:]


@pytest.mark.parametrize("arguments", list(words()), ids=" ".join)
def test_each_command_exists_with_its_options(arguments: list[str]) -> None:
    command: click.Command = cli
    context = click.Context(command)
    rest = list(arguments)
    while isinstance(command, click.Group) and rest:
        found = command.get_command(context, rest.pop(0))
        assert found is not None, arguments
        command = found
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word.split("=")[0] for word in rest if word.startswith("-")} <= known


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:tests|deploy)/[\w/.]+\.(?:py|sh))`", PAGE))))
def test_each_file_that_is_named_is_there(path: str) -> None:
    assert (ROOT / path).is_file()
