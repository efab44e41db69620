"""Checks what a feed names: are its files there and as the feed says, and do its covers have the right size.

It requests only what a client would: HEAD of each enclosure and cover, one byte of an enclosure, and the covers.
"""

from __future__ import annotations

import time
from typing import Final

import httpx
from lxml import etree

from services.cli.feed_lint.findings import Finding, Report, is_url, name, quoted
from shared.pictures import is_png, size_of
from shared.text import one_line

EPISODES_MOST: Final = 20
"""The files of the first so many in the feed are looked at."""
LIMIT_SECONDS: Final = 300.0
"""For all requests together."""
_CALL_SECONDS: Final = 15.0
_PICTURE_LIMIT_BYTES: Final = 20_000_000
_PIXELS: Final = range(1_400, 3_001)
_ALIASES: Final = {"audio/mp3": "audio/mpeg", "audio/x-m4a": "audio/mp4", "audio/m4a": "audio/mp4"}
"""Other names of the same types, which servers and feeds use interchangeably."""


def look(document: bytes, client: httpx.Client) -> list[Finding]:
    """What is wrong with the files that a feed names, by line; nothing for a document that is no XML.

    Args:
        document: the feed.
        client: follows a few redirects.
    """
    report = Report()
    parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False, huge_tree=False)
    try:
        channel = etree.fromstring(document, parser).find("channel")
    except (etree.XMLSyntaxError, ValueError):
        return []
    if channel is None:
        return []
    items = channel.findall("item")[:EPISODES_MOST]
    end = time.monotonic() + LIMIT_SECONDS
    seen: set[str] = set()
    for parent in (channel, *items):
        for found in (parent.find(name("itunes", "image")), parent.find("enclosure")):
            address = "" if found is None else str(found.get("url") or found.get("href") or "")
            if found is None or not is_url(address) or address in seen or time.monotonic() > end:
                continue
            seen.add(address)
            try:
                (_enclosure if found.tag == "enclosure" else _picture)(report, found, address, client)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                report.add("file", found, f"{quoted(address)}: {one_line(str(error)) or type(error).__name__}")
    return sorted(report.findings, key=lambda finding: finding.line)


def _enclosure(report: Report, element: etree._Element, address: str, client: httpx.Client) -> None:
    answer = client.head(address, timeout=_CALL_SECONDS)
    part = _part(address, client)
    if part.status_code not in {200, 206}:
        report.add("file", element, f"{quoted(address)} answers with HTTP {part.status_code}")
        return
    if part.status_code != httpx.codes.PARTIAL_CONTENT:
        report.add("range", element, quoted(address))
    if not answer.is_success:
        report.add("head", element, f"{quoted(address)} answers HEAD with HTTP {answer.status_code}")
        return
    length = answer.headers.get("Content-Length", "")
    if length.isdecimal() and length != (element.get("length") or "").strip():
        report.add("file-length", element, f"its file has {int(length):,} bytes")
    served, said = (_type(value) for value in (answer.headers.get("Content-Type", ""), element.get("type") or ""))
    if served and said and served != said:
        report.add("file-type", element, f"its server says {quoted(served)}")


def _part(address: str, client: httpx.Client) -> httpx.Response:
    """Ask for one byte; nothing more of the body is read."""
    with client.stream("GET", address, headers={"Range": "bytes=0-0"}, timeout=_CALL_SECONDS) as response:
        return response


def _type(value: str) -> str:
    kind = value.partition(";")[0].strip().lower()
    return _ALIASES.get(kind, kind)


def _picture(report: Report, element: etree._Element, address: str, client: httpx.Client) -> None:
    if not (answer := client.head(address, timeout=_CALL_SECONDS)).is_success:
        report.add("head", element, f"{quoted(address)} answers HEAD with HTTP {answer.status_code}")
    data = bytearray()
    with client.stream("GET", address, timeout=_CALL_SECONDS) as response:
        if not response.is_success:
            report.add("file", element, f"{quoted(address)} answers with HTTP {response.status_code}")
            return
        end = time.monotonic() + 2 * _CALL_SECONDS
        for part in response.iter_bytes():
            data += part
            if len(data) > _PICTURE_LIMIT_BYTES or time.monotonic() > end:
                report.add("picture", element, f"{quoted(address)} is too large, or comes too slowly")
                return
    size = size_of(bytes(data))
    suffix = address.partition("?")[0].rpartition(".")[2].lower()
    if size is None or (suffix == "png") != is_png(bytes(data)):
        report.add("picture", element, quoted(address))
    elif size[0] != size[1] or size[0] not in _PIXELS:
        report.add("picture-size", element, f"it has {size[0]:,} by {size[1]:,}")
