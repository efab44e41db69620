"""Licences, permissions and copyright notices, recognised by their words. Each pattern is a scan in one direction."""

from __future__ import annotations

import re
from typing import Final

_HEAD_CHARACTERS: Final = 4_000
_NOTICE_LIMIT_CHARACTERS: Final = 3_000

_LICENCES: Final = (
    ("gnu general public license", "everyone is permitted to copy and distribute verbatim copies"),
    ("terms and conditions", "this license applies to any program or other work which contains a notice"),
    ("terms and conditions", "refers to version 3 of the gnu general public license"),
    ("gnu lesser general public license", "everyone is permitted to copy and distribute verbatim copies"),
    ("gnu free documentation license", "the purpose of this license is to make a manual"),
    ("gnu affero general public license", "everyone is permitted to copy and distribute verbatim copies"),
    ("creative commons", "is not a law firm and does not provide legal services"),
    ("creative commons", "by exercising any rights to the work provided here"),
    ("creative commons", "by exercising the licensed rights"),
    ("apache license", "terms and conditions for use, reproduction, and distribution"),
    ("project gutenberg", "to protect the project gutenberg"),
)
"""Two phrases each; both stand in the first paragraphs of the licence and nowhere else."""

_NOTICE: Final = re.compile(
    r"^(?:copyright\b|\u00a9|\(c\) ?(?:19|20)\d\d|copyleft\b)"
    r"|\ball rights reserved\b|\balle rechte vorbehalten\b|\btous droits r\u00e9serv\u00e9s\b"
    r"|\b(?:todos los derechos reservados|reservados todos los derechos)\b|\btutti i diritti riservati\b"
    r"|\btodos os direitos reservados\b|\balle rechten voorbehouden\b|\bwszelkie prawa zastrze\u017cone\b"
    r"|\b\u0432\u0441\u0435 \u043f\u0440\u0430\u0432\u0430 \u0437\u0430\u0449\u0438\u0449\u0435\u043d\u044b\b"
    r"|\balla r\u00e4ttigheter f\u00f6rbeh\u00e5llna\b|\u7121\u65ad\u8ee2\u8f09|\u7248\u6743\u6240\u6709"
    r"|^isbn(?:-1[03])?\b[ :]"
)
_PERMISSION: Final = re.compile(
    r"\bpermission is (?:hereby )?granted,? (?:free of charge|to (?:copy|make|process|anyone))"
    r"|\bis free (?:software|documentation)[;:,.] you (?:may|can) (?:re)?distribute it"
    r"|\bredistribute it and/or modify it under the terms of"
    r"|\bwithout any warranty; without even the implied warranty"
    r"|\byou should have received a copy of the gnu"
    r"|\bthe above copyright notice and this permission notice"
    r"|\bthe software is provided .as is., without warranty"
    r"|\bin no event shall the (?:authors?|copyright|software)\b"
    r"|\bthe complete text of the gnu (?:\w{1,20} ){0,4}license can be found"
    r"|\b(?:is|are) licensed under (?:a|the) creative commons\b"
    r"|\bunder the terms of the gnu free documentation license\b"
    r"|\bthis (?:ebook|e-book) is for the use of anyone anywhere"
)


def _plain(text: str, limit: int) -> str:
    return " ".join(text[:limit].casefold().split())


def is_licence(texts: list[str]) -> bool:
    """Whether a part of a document begins as a licence does."""
    head = _plain(" ".join(texts[:40])[:_HEAD_CHARACTERS], _HEAD_CHARACTERS)
    return any(name in head and phrase in head for name, phrase in _LICENCES)


def is_notice(text: str) -> bool:
    """Whether a paragraph is a copyright notice."""
    return len(text) <= _NOTICE_LIMIT_CHARACTERS and _NOTICE.search(_plain(text, _NOTICE_LIMIT_CHARACTERS)) is not None


def is_permission(text: str) -> bool:
    """Whether a paragraph says what may be done with the work, as licences do."""
    return _PERMISSION.search(_plain(text, _NOTICE_LIMIT_CHARACTERS)) is not None
