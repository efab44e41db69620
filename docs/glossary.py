"""Keeps docs/glossary.md and the code in step: `python -m docs.glossary`, part of `make check`.

The rules are few on purpose. Every place that the glossary names exists; each term is listed once; no module, class or
function of the system has a name that a term has replaced; and public classes in `shared` and `services` that share a
name are listed in `SAME_NAME`. A new class needs no entry; a new term does.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
GLOSSARY = ROOT / "docs" / "glossary.md"
CHECKED = ("shared", "services", "deploy", "tests/fault", "tests/servers")

REPLACED = {
    "asking": "speech request",
    "bury": "dead-letter (verb)",
    "desk": "harness",
    "door": "proxy",
    "doors": "proxies",
    "greet": "probe",
    "ground": "bench environment",
    "judging": "audio validation",
    "keeper": "restarter",
    "lane": "subscription",
    "meddler": "fault injector",
    "obeyed": "was hit",
    "production": "mastering",
    "pulse": "watchdog",
    "refusals": "http errors",
    "rehearsal": "gain estimation",
    "saboteur": "fault injector",
    "shelf": "queue reader",
    "ward": "quarantine",
}
"""A word that no name may be or contain → the term to use instead."""
REPLACED_ALONE = {
    "ask": "speech request",
    "letter": "dead letter",
    "line": "services",
    "orders": "failpoints",
    "part": "chunk measurement",
    "unit": "process spec",
}
"""Everyday words that may not be the whole name of a class."""
REPLACED_IN_TESTS = {"stage": "cluster"}
"""The same, where the word is another term of the system."""
SAME_NAME = {
    "Attempt": "a try to handle a message; a try to encode an episode",
    "Child": "a running ffmpeg; a child process of the local stack",
    "Document": "what a client names; what the chunker has read",
    "Entry": "an entry of an EPUB's contents; an object in a listing of the store",
    "Job": "what the coordinator remembers of a job; a job as the API shows it",
    "JobFailed": "the event; the error that the command line ends with",
    "Page": "a page of an Ogg file; a page of a listing",
    "SpeechRequest": "the same request on the caller's and on the server's side",
}
"""Classes that share a name, and why they may."""
DEFINED_ONCE = ("held", "layout", "line", "retry_after", "shelf")
"""Names that once meant two things: at most one class or function of the system may have each."""

_ROW = re.compile(r"^\| (?P<term>[^|]+) \| (?P<meaning>[^|]+) \| (?P<places>[^|]+) \|$", re.MULTILINE)
_PLACE = re.compile(r"`([^`:]+)(?::(\w+))?`")
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


@dataclass(frozen=True, slots=True)
class Term:
    """A row of the glossary.

    Attributes:
        name: the term.
        meaning: one sentence.
        places: path and class name; the name may be empty.
    """

    name: str
    meaning: str
    places: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Name:
    """A name in the code.

    Attributes:
        kind: `module`, `class` or `function`.
        text: the name.
        path: the file.
    """

    kind: str
    text: str
    path: str


def terms(document: str) -> list[Term]:
    """The rows of the glossary."""
    rows = [row for row in _ROW.finditer(document) if row["term"] != "term"]
    return [Term(row["term"], row["meaning"], tuple(_PLACE.findall(row["places"]))) for row in rows]


def names(folders: Iterable[str] = CHECKED) -> Iterator[Name]:
    """Every module, class and function in these folders."""
    for path in sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        where = str(path.relative_to(ROOT))
        yield Name("module", path.stem, where)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                yield Name("class", node.name, where)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("test_"):
                yield Name("function", node.name, where)


def glossary_complaints(found: list[Term]) -> Iterator[str]:
    """What is wrong with the glossary: order, duplicates, sentences, places that do not exist."""
    listed = [term.name for term in found]
    if listed != sorted(listed):
        yield "The terms are not in order."
    yield from (f"{name} is listed {count} times." for name, count in Counter(listed).items() if count > 1)
    for term in found:
        if not term.meaning.endswith("."):
            yield f"{term.name}: its meaning is no sentence."
        if not term.places:
            yield f"{term.name}: where in the code?"
        for path, cls in term.places:
            file = ROOT / path
            if not file.exists():
                yield f"{term.name}: there is no {path}."
            elif cls and not re.search(rf"^class {cls}\b", file.read_text(encoding="utf-8"), re.MULTILINE):
                yield f"{term.name}: there is no class {cls} in {path}."


def name_complaints(found: Iterable[Name]) -> Iterator[str]:
    """Names that a term has replaced, and names that mean two things."""
    everything = list(found)
    for name in everything:
        yield from _replaced(name)
    yield from _doubles(everything)


def _replaced(name: Name) -> Iterator[str]:
    words = {word.lower() for word in _WORDS.findall(name.text)}
    for word in sorted(words & REPLACED.keys()):
        yield f"{name.path}: {name.kind} {name.text}: the term is {REPLACED[word]}."
    alone = REPLACED_ALONE | (REPLACED_IN_TESTS if name.path.startswith("tests/") else {})
    if name.kind == "class" and name.text.lower() in alone:
        yield f"{name.path}: class {name.text}: the term is {alone[name.text.lower()]}."


def _doubles(found: Iterable[Name]) -> Iterator[str]:
    places: dict[str, list[str]] = defaultdict(list)
    for name in found:
        is_public_class = name.kind == "class" and not name.text.startswith("_") and name.text not in SAME_NAME
        is_once = name.kind != "module" and name.text.lower() in DEFINED_ONCE
        if name.path.startswith(("shared/", "services/")) and (is_public_class or is_once):
            places[name.text].append(name.path)
    for text, paths in places.items():
        if len(paths) > 1:
            yield f"{text} is the name of two things: {', '.join(sorted(paths))}."


def main() -> None:
    """Print what is wrong; exit code 1 if anything is."""
    found = [*glossary_complaints(terms(GLOSSARY.read_text(encoding="utf-8"))), *name_complaints(names())]
    print("\n".join(found) if found else "Glossary: in step with the code.")  # noqa: T201 - a command's output
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
