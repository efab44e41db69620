"""Texts to speak: real sentences with numbers in them, so that a lost or repeated one shows."""

from __future__ import annotations

import random

_WHO = (
    "The ferry",
    "A quiet engineer",
    "The night train",
    "Our old lighthouse",
    "The second violin",
    "A small printer",
)
_DID = ("carried", "repaired", "remembered", "measured", "returned", "catalogued")
_WHAT = ("letters", "barrels of salt", "broken clocks", "maps of the coast", "boxes of type", "folded sails")
_WHEN = (
    "before dawn",
    "at 4.30 p.m.",
    "in the winter of 1911",
    "without a word",
    "for 2.5 days",
    "as Dr. Ames had asked",
)


def sentence(number: int, *, seed: int = 0) -> str:
    """A sentence that is unique to its number."""
    pick = random.Random(f"{seed}-{number}")  # noqa: S311 - not a secret
    return f"{pick.choice(_WHO)} {pick.choice(_DID)} {number} {pick.choice(_WHAT)} {pick.choice(_WHEN)}."


def article(characters: int, *, seed: int = 0) -> str:
    """Markdown of about `characters` characters: a title, headings, paragraphs of three sentences."""
    parts = [f"# The Ferry Article {seed}"]
    number = 0
    while sum(map(len, parts)) < characters:
        if number % 12 == 0:
            parts.append(f"## Part {number // 12 + 1} of the story")
        parts.append(" ".join(sentence(number + offset, seed=seed) for offset in range(3)))
        number += 3
    return "\n\n".join(parts)


def book(chunks: int, *, chapters: int = 10, seed: int = 0) -> str:
    """Markdown with exactly `chunks` chunks: headings and paragraphs of one sentence each."""
    parts = []
    for number in range(chunks):
        heading = number % (chunks // chapters) == 0
        parts.append(f"# Chapter number {number}" if heading else sentence(number, seed=seed))
    return "\n\n".join(parts)
