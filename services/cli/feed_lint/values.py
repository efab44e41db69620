"""Rules about single values: dates, languages, durations, numbers. They are the same in the channel and in items."""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

from lxml import etree

from services.cli.feed_lint.findings import Report, quoted, text

DESCRIPTION_LIMIT_BYTES: Final = 4_000
LINE_LIMIT_CHARACTERS: Final = 255
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_DATE: Final = re.compile(
    rf"(?:({'|'.join(_DAYS)}),\s+)?\d{{1,2}}\s+(?:{_MONTHS})\s+\d{{4}}\s+\d\d:\d\d(?::\d\d)?"
    r"\s+(?:[+-]\d{4}|GMT|UTC|UT|Z|EST|EDT|CST|CDT|MST|MDT|PST|PDT)"
)
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_SECONDS: Final = re.compile(r"\d+")
_CLOCK: Final = re.compile(r"\d{1,3}(:[0-5]?\d){1,2}")


def date(report: Report, element: etree._Element) -> datetime | None:
    """Check a date; what it is, if it is one."""
    value = text(element)
    found = _DATE.fullmatch(value)
    try:
        moment = parsedate_to_datetime(value) if found else None
    except (ValueError, TypeError, IndexError, OverflowError):
        moment = None
    if found is None or moment is None:
        report.add("date", element, quoted(value))
        return None
    if found[1] is not None and _DAYS[moment.weekday()] != found[1]:
        report.add("weekday", element, f"{quoted(value)} is a {_DAYS[moment.weekday()]}")
    return moment


def of_one_line(report: Report, element: etree._Element) -> None:
    """Check a value that people read in one line."""
    raw = "".join(str(part) for part in element.itertext())
    if len(raw.strip()) > LINE_LIMIT_CHARACTERS:
        report.add("value-length", element, f"it has {len(raw.strip()):,}")
    if raw.strip() and raw != raw.strip():
        report.add("spaces", element, quoted(raw))


def language(report: Report, element: etree._Element) -> None:
    """Check a language tag."""
    if not _LANGUAGE.fullmatch(text(element)):
        report.add("language-tag", element, quoted(text(element)))


def explicit(report: Report, element: etree._Element) -> None:
    """Check itunes:explicit."""
    if text(element) not in {"true", "false"}:
        report.add("explicit-value", element, quoted(text(element)))


def yes(report: Report, element: etree._Element) -> None:
    """Check an element that can only say yes, such as itunes:block."""
    if text(element).lower() != "yes":
        report.add("yes", element, quoted(text(element)))


def description(report: Report, element: etree._Element) -> None:
    """Check the length of a description."""
    size = len(text(element).encode())
    if size > DESCRIPTION_LIMIT_BYTES:
        report.add("description-length", element, f"it has {size:,}")


def duration(report: Report, element: etree._Element) -> None:
    """Check itunes:duration."""
    value = text(element)
    if _SECONDS.fullmatch(value):
        return
    report.add("duration-seconds" if _CLOCK.fullmatch(value) else "duration", element, quoted(value))


def number(report: Report, element: etree._Element, *, whole: bool) -> None:
    """Check the number of an episode or a season.

    Args:
        report: for findings.
        element: with the number.
        whole: it must be a whole number from 1 on.
    """
    pattern = r"[1-9]\d*" if whole else r"\d+(\.\d+)?"
    if not re.fullmatch(pattern, text(element)):
        report.add("number", element, quoted(text(element)))


def picture(report: Report, element: etree._Element) -> None:
    """Check itunes:image."""
    address = element.get("href")
    if address is None:
        report.add("cover", element, "it has no href")
    elif report.url(address, element) and not re.search(r"\.(jpe?g|png)$", address.partition("?")[0], re.IGNORECASE):
        report.add("cover-type", element, quoted(address))
