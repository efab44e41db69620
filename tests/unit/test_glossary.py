"""The glossary and the code are in step, and the check notices when they are not."""

from __future__ import annotations

import pytest

from docs.glossary import GLOSSARY, Name, Term, glossary_complaints, name_complaints, names, terms

THE_FIELDS_OWN = {
    "dead letter",
    "dead-letter queue",
    "quarantine",
    "subscription",
    "watchdog",
    "restarter",
    "process spec",
    "speech request",
    "audio validation",
    "probe",
    "gain estimation",
    "mastering",
    "chunk measurement",
    "piece of work",
    "claim check",
    "process manager",
    "competing consumers",
    "idempotent receiver",
    "correlation id",
    "work queue",
    "wait queue",
    "failpoint",
    "fault injector",
    "proxy",
    "cluster",
    "envelope",
    "manifest",
    "chunk",
    "chapter",
    "episode",
    "job",
}


def test_the_glossary_has_the_terms_of_the_system_and_each_is_where_it_says() -> None:
    found = terms(GLOSSARY.read_text(encoding="utf-8"))
    assert {term.name for term in found} >= THE_FIELDS_OWN
    assert list(glossary_complaints(found)) == []


def test_no_name_in_the_code_is_one_that_a_term_has_replaced() -> None:
    assert list(name_complaints(names())) == []


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("class", "Ward", "quarantine"),
        ("class", "LetterShelf", "queue reader"),
        ("class", "Part", "chunk measurement"),
        ("class", "Letter", "dead letter"),
        ("function", "bury_it", "dead-letter (verb)"),
        ("module", "rehearsal", "gain estimation"),
        ("function", "in_production", "mastering"),
    ],
)
def test_an_old_word_is_noticed(kind: str, text: str, expected: str) -> None:
    [said] = name_complaints([Name(kind, text, "shared/x.py")])
    assert said.endswith(f"{kind} {text}: the term is {expected}.")


def test_a_stage_is_a_term_of_the_coordinator_and_no_name_for_a_cluster_of_tests() -> None:
    assert list(name_complaints([Name("class", "Stage", "services/coordinator/pieces.py")])) == []
    assert list(name_complaints([Name("class", "Stage", "tests/fault/x.py")])) == [
        "tests/fault/x.py: class Stage: the term is cluster."
    ]


@pytest.mark.parametrize("text", ["DeadLetter", "first_line", "Lines", "forward", "Landscape"])
def test_an_everyday_word_inside_another_name_is_let_through(text: str) -> None:
    kinds = ("class", "function") if text[0].isupper() else ("function",)
    assert [said for kind in kinds for said in name_complaints([Name(kind, text, "shared/x.py")])] == []


@pytest.mark.parametrize(("kind", "text"), [("class", "Anything"), ("function", "held"), ("function", "retry_after")])
def test_two_things_of_one_name_are_noticed(kind: str, text: str) -> None:
    two = [Name(kind, text, "shared/a.py"), Name(kind, text, "services/x/b.py")]
    assert list(name_complaints(two)) == [f"{text} is the name of two things: services/x/b.py, shared/a.py."]


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        (Term("job", "No full stop", (("shared", ""),)), "its meaning is no sentence"),
        (Term("job", "A job.", ()), "where in the code"),
        (Term("job", "A job.", (("shared/nowhere.py", ""),)), "there is no shared/nowhere.py"),
        (Term("job", "A job.", (("shared/errors.py", "Job"),)), "there is no class Job in shared/errors.py"),
    ],
)
def test_a_row_that_is_out_of_date_is_noticed(term: Term, expected: str) -> None:
    [said] = glossary_complaints([term])
    assert expected in said
