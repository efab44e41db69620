"""Which items a feed's rules leave out, and why. Pure."""

from __future__ import annotations

import re

from services.feeds.parsing.parsed import ParsedItem
from services.feeds.parsing.plain import words_of
from shared.client.feeds.model import FeedRules


def refusal(item: ParsedItem, rules: FeedRules) -> str:
    """Why the words or categories of an item leave it out; "" if they do not.

    Words count as whole words, in upper or lower case, in the title and in the item's own text.
    """
    if rules.include_categories or rules.exclude_categories:
        mine = {category.casefold() for category in item.categories}
        if rules.include_categories and mine.isdisjoint(_folded(rules.include_categories)):
            return "It is in none of the wanted categories."
        if unwanted := [one for one in rules.exclude_categories if one.casefold() in mine]:
            return f"It is in the category “{unwanted[0]}”."
    if rules.include_words or rules.exclude_words:
        text = f"{item.title}\n{words_of(item.html)}".casefold()
        if rules.include_words and not any(_has(text, word) for word in rules.include_words):
            return "It has none of the wanted words."
        if unwanted := [word for word in rules.exclude_words if _has(text, word)]:
            return f"It has the word “{unwanted[0]}”."
    return ""


def length_refusal(characters: int, rules: FeedRules) -> str:
    """Why the length of a text leaves it out; "" if it does not."""
    if characters < rules.min_characters:
        return f"It has {characters:,} characters; {rules.min_characters:,} are wanted."
    if rules.max_characters is not None and characters > rules.max_characters:
        return f"It has {characters:,} characters; at most {rules.max_characters:,} are wanted."
    return ""


def _folded(words: tuple[str, ...]) -> set[str]:
    return {word.casefold() for word in words}


def _has(text: str, word: str) -> bool:
    # Between characters that are no letters or digits; so “AI” is not in “said”, and “C++” is found.
    return re.search(rf"(?<!\w){re.escape(word.casefold())}(?!\w)", text) is not None
