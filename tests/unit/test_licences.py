"""No copyleft licence where it is not allowed: the decision on sample metadata and on the installed distributions."""

from __future__ import annotations

import subprocess
import sys
from email.message import Message
from importlib import metadata
from pathlib import Path

import pytest

from deploy import licences
from deploy.licence_exceptions import EXCEPTIONS
from deploy.licences import complaint, complaints, fenced_modules, is_permissive, licence, locked

FENCED = frozenset({"piper", "mutagen"})


@pytest.mark.parametrize(
    ("expression", "accepted"),
    [
        ("MIT", True),
        ("Apache-2.0 AND BSD-2-Clause", True),
        ("BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0", True),
        ("MIT OR GPL-3.0-only", True),
        ("GPL-3.0-only OR MIT", True),
        ("(GPL-2.0-only OR MIT) AND ISC", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("GPL-2.0-or-later", False),
        ("GPL-3.0-only WITH GCC-exception-3.1", False),
        ("LGPL-2.1-or-later", False),
        ("AGPL-3.0-only", False),
        ("MPL-2.0", False),
        ("MIT AND GPL-3.0-only", False),
        ("MIT AND (GPL-2.0-only OR LGPL-2.1-only)", False),
        ("MIT OR ISC AND GPL-3.0-only", True),
        ("BUSL-1.1", False),
    ],
)
def test_an_expression_is_accepted_if_permissive_licences_meet_it(expression: str, accepted: bool) -> None:
    assert is_permissive(expression) is accepted


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"License-Expression": "MIT"}, "MIT"),
        ({"License-Expression": "GPL-3.0-only", "License": "MIT"}, "GPL-3.0-only"),
        ({"License": "BSD 3-Clause License"}, "BSD-3-Clause"),
        ({"License": "LGPL-3.0-only"}, "LGPL-3.0-only"),
        ({"License": "see the file", "Classifier": ["License :: OSI Approved :: MIT License"]}, "MIT"),
        ({"Classifier": ["License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)"]}, "MPL-2.0"),
        (
            {
                "Classifier": [
                    "License :: OSI Approved :: MIT License",
                    "License :: OSI Approved :: GNU General Public License v3 (GPLv3)",
                ]
            },
            None,
        ),
        ({"License": "Proprietary, ask us"}, None),
        ({"Classifier": ["License :: OSI Approved"]}, None),
        ({}, None),
    ],
)
def test_what_a_distribution_says_of_itself_is_read_as_spdx(
    headers: dict[str, str | list[str]], expected: str | None
) -> None:
    about = Message()
    for name, value in headers.items():
        for one in [value] if isinstance(value, str) else value:
            about[name] = one
    assert licence(about) == expected  # type: ignore[arg-type] # metadata is such a message


@pytest.mark.parametrize(
    ("name", "found", "is_runtime", "fenced", "expected"),
    [
        ("anything", "MIT", True, FENCED, None),
        ("anything", "GPL-3.0-only", True, FENCED, "has the licence GPL-3.0-only"),
        ("anything", "GPL-3.0-only", False, FENCED, "has the licence GPL-3.0-only"),
        ("anything", None, True, FENCED, "names no licence that is known"),
        ("piper-tts", "GPL-3.0-or-later", True, FENCED, None),
        ("piper-tts", "AGPL-3.0-only", True, FENCED, "its exception is for GPL-3.0-or-later"),
        ("piper-tts", "GPL-3.0-or-later", True, frozenset(), "needs an import contract"),
        ("piper-tts", None, True, FENCED, "its exception is for"),
        ("mutagen", "GPL-2.0-or-later", False, FENCED, None),
        ("mutagen", "GPL-2.0-or-later", True, FENCED, "is for tests only, and requirements.lock has it"),
        ("certifi", "MPL-2.0", True, frozenset(), None),
    ],
)
def test_copyleft_is_accepted_only_behind_its_fence(
    name: str, found: str | None, is_runtime: bool, fenced: frozenset[str], expected: str | None
) -> None:
    said = complaint(name, found, is_runtime=is_runtime, fenced=fenced)
    assert said is None if expected is None else expected in (said or "")


def test_what_is_installed_is_accepted() -> None:
    assert list(complaints()) == []
    assert {exempt.reason for exempt in EXCEPTIONS.values() if not exempt.reason.endswith(".")} == set()


def test_mutagen_put_back_among_what_the_system_needs_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(licences.RUNTIME_LOCK.read_text() + "mutagen==1.48.1 \\\n    --hash=sha256:0\n")
    monkeypatch.setattr(licences, "RUNTIME_LOCK", lock)

    assert [said for said in complaints() if "mutagen" in said] == [
        "mutagen (GPL-2.0-or-later) is for tests only, and requirements.lock has it."
    ]


def test_a_wheel_with_a_program_inside_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(licences.BUNDLED, "pypandoc-binary")
    assert any("pypandoc-binary contains programs" in said for said in complaints())
    assert not licences.has_binaries_of_others(metadata.distribution("pydantic-core").files or ())


def test_a_lock_file_is_read_with_its_markers() -> None:
    names = locked(licences.RUNTIME_LOCK)
    assert {"numpy", "aio-pika", "piper-tts"} <= names
    assert ("audioop-lts" in names) == (sys.version_info >= (3, 13))
    assert "mutagen" not in names
    assert fenced_modules(licences.ROOT / "pyproject.toml") >= FENCED


@pytest.mark.parametrize("service", ["chunker", "coordinator", "synthesizer", "assembler", "cli"])
def test_no_service_loads_a_gpl_module(service: str) -> None:
    loaded = f"import sys, services.{service}.app; print({{'mutagen', 'piper'}} & sys.modules.keys())"
    run = subprocess.run([sys.executable, "-c", loaded], capture_output=True, check=True, timeout=60, text=True)
    assert run.stdout.strip() == "set()"
