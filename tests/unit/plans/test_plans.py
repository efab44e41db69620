"""A plan that was written is read as it was, whatever its text looks like; a wrong line is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import BadSource
from shared.plans.left_out import together
from shared.plans.model import LEVELS_LIMIT, Block, ChapterMark, Comment, Item, PlanLine, SpeechPlan, is_plan
from shared.plans.parsing import parse
from shared.plans.writing import write

HEAD = "--- podcast plan 1\n"
EVERYTHING = """\
--- podcast plan 1
title: The Lighthouse
author: Anna Brandt
language: en
voice: joe
---

<!-- left out; to have it spoken, delete this line and the one that ends the comment
# Contents

The Keeper 1
-->

# The Keeper
= Chapter one. The Keeper.

On 3 May it cost $5.
= On May third it cost five dollars.
This sentence is so long that it is cut,
+ and goes on here.

{heading}
A heading inside

{speaker="Anna \\"Bo\\" Brandt" language=de-AT}
Sie hatte sie gez\u00e4hlt.

{unspoken}
## The Light

\\# is no chapter here.
\\= is no word either.
"""


def test_all_that_a_plan_can_say() -> None:
    plan = parse(EVERYTHING)
    assert plan.header == {"title": "The Lighthouse", "author": "Anna Brandt", "language": "en", "voice": "joe"}
    assert plan.items[1:] == (
        ChapterMark("The Keeper", say="Chapter one. The Keeper."),
        Block(
            (
                PlanLine("On 3 May it cost $5.", "On May third it cost five dollars."),
                PlanLine("This sentence is so long that it is cut,"),
                PlanLine("and goes on here.", goes_on=True),
            )
        ),
        Block((PlanLine("A heading inside"),), is_heading=True),
        Block((PlanLine("Sie hatte sie gez\u00e4hlt."),), speaker='Anna "Bo" Brandt', language="de-AT"),
        ChapterMark("The Light", 2, is_spoken=False),
        Block((PlanLine("# is no chapter here."), PlanLine("= is no word either."))),
    )
    assert write(plan) == EVERYTHING


def test_what_was_commented_out_is_read_when_the_lines_around_it_are_deleted() -> None:
    lines = [line for line in EVERYTHING.splitlines() if not line.startswith("<!--") and line != "-->"]
    assert parse("\n".join(lines)).items[:2] == (ChapterMark("Contents"), Block((PlanLine("The Keeper 1"),)))


texts = st.text(max_size=30).map(lambda text: " ".join(text.split())).filter(bool) | st.sampled_from(
    ["#", "# a", "= b", "+ c", "{d}", "\\", "\\\\", "<!--", "-->", "---", "--- podcast plan 1", "a: b"]
)
languages = st.none() | st.sampled_from(["de", "en-GB", "zh-Hant-TW"])
speakers = st.none() | st.sampled_from(
    ["ANNA", "Anna Brandt", 'A "B" C', "back\\slash", "{}", "\u5b89\u5a1c", "a=b".replace("=", "-")]
)
says = st.just("") | texts
blocks = st.builds(
    lambda first, rest, **fields: Block((first, *rest), **fields),
    st.builds(PlanLine, texts, says),
    st.lists(st.builds(PlanLine, texts, says, st.booleans()), max_size=3),
    is_heading=st.booleans(),
    speaker=speakers,
    language=languages,
)
chapters = st.builds(
    lambda title, level, say, *, is_spoken, language: ChapterMark(
        title, level, is_spoken=is_spoken, say=say if is_spoken else "", language=language
    ),
    texts,
    st.integers(1, LEVELS_LIMIT),
    says,
    is_spoken=st.booleans(),
    language=languages,
)
headers = st.dictionaries(st.sampled_from(["title", "author", "voice"]), texts)


@given(st.lists(blocks | chapters, max_size=6), headers)
def test_whatever_is_written_is_read_as_it_was(items: list[Item], header: dict[str, str]) -> None:
    plan = SpeechPlan(tuple(items), header)
    assert parse(write(plan)) == plan
    hidden = SpeechPlan((Comment("left out", tuple(write(SpeechPlan(tuple(items))).splitlines()[2:])),))
    assert parse(write(hidden)) == hidden


@given(st.text() | st.lists(texts).map(lambda lines: HEAD + "---\n" + "\n".join(lines)))
def test_any_text_is_read_or_refused_by_the_number_of_the_line(text: str) -> None:
    try:
        plan = parse(text)
    except BadSource as error:
        assert_names_a_line(error)
    else:
        again = write(plan)
        assert write(parse(again)) == again


def assert_names_a_line(refused: BadSource) -> None:
    assert refused.message.startswith("Line ")
    assert refused.hint


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# A\n", "Line 1 of the plan: it is not --- podcast plan 1"),
        ("--- podcast plan 2\n---\n", "Line 1 of the plan: it is not --- podcast plan 1"),
        (HEAD + "title: A\nspeed: 2\n---\n", "Line 3 of the plan: it says nothing that a plan's header can say"),
        (HEAD + "title: A\ntitle: B\n---\n", "Line 3 of the plan: title is said twice"),
        (HEAD + "language: English!\n---\n", "Line 2 of the plan: English! is no language tag"),
        (HEAD + "title: A\n", "Line 3 of the plan: the header has no end"),
        (HEAD + "---\n#Title\n", "Line 3 of the plan: after # there is no space"),
        (HEAD + "---\n#\n", "Line 3 of the plan: after # there is nothing"),
        (HEAD + f"---\n{'#' * 33} A\n", "Line 3 of the plan: a chapter has at most 32 #"),
        (HEAD + "---\n= Said\n", "Line 3 of the plan: = does not follow the line that it belongs to"),
        (HEAD + "---\nA.\n\n= Said\n", "Line 5 of the plan: = does not follow"),
        (HEAD + "---\nA.\n= B\n= C\n", "Line 5 of the plan: = does not follow"),
        (HEAD + "---\nA.\n=\n", "Line 4 of the plan: after = there is nothing"),
        (HEAD + "---\n+ A.\n", "Line 3 of the plan: + continues nothing"),
        (HEAD + "---\n<!-- a\nA.\n", "Line 3 of the plan: a comment begins and does not end"),
        (HEAD + "---\n-->\n", "Line 3 of the plan: a comment ends that has not begun"),
        (HEAD + "---\n{heading\nA.\n", "Line 3 of the plan: the marks have no } at the end"),
        (HEAD + "---\n{loud}\nA.\n", "Line 3 of the plan: there is no mark loud"),
        (HEAD + "---\n{loud=very}\nA.\n", "Line 3 of the plan: there is no mark loud"),
        (HEAD + "---\n{language=x}\nA.\n", "Line 3 of the plan: x is no language tag"),
        (HEAD + '---\n{speaker=""}\nA.\n', "Line 3 of the plan: nothing cannot be a speaker's name"),
        (HEAD + "---\n{heading}\n\nA.\n", "Line 4 of the plan: nothing follows the marks"),
        (HEAD + "---\n{heading}\n", "Line 4 of the plan: nothing follows the marks"),
        (HEAD + "---\n{heading}\n# A\n", "Line 4 of the plan: heading cannot be said of a chapter"),
        (HEAD + "---\n{unspoken}\n\\A\nB\n\n", "Line 6 of the plan: unspoken cannot be said of a paragraph"),
    ],
)
def test_a_wrong_line_is_named(text: str, says: str) -> None:
    with pytest.raises(BadSource) as refused:
        parse(text)
    assert refused.value.message.startswith(says), refused.value.message
    assert refused.value.hint


def test_a_plan_is_recognised_by_its_first_line() -> None:
    assert is_plan(b"--- podcast plan 1\n")
    assert is_plan(b"\xef\xbb\xbf--- podcast plan 2\n")
    assert not is_plan(b"---\ntitle: A\n---\n")
    assert not is_plan(b"\n--- podcast plan 1\n")


def test_what_is_left_out_stands_where_it_was() -> None:
    a, b, c, code, note, changed = (
        Block((PlanLine(text),)) for text in ("A", "B", "C", "code", "note", "B with a note")
    )
    assert [(each.left_out, each.kept) for each in together([a, b, c], [code, a, changed, c, note])] == [
        ((code,), a),
        ((), b),
        ((changed,), c),
        ((note,), None),
    ]
