"""`podcast lint`: what is wrong with a podcast feed, a file or an address, ours or anybody's."""

from __future__ import annotations

import dataclasses
import time
from typing import Final

import click
import httpx

from services.cli import exits, printing
from services.cli.feed_lint.findings import Finding, is_url
from services.cli.feed_lint.linting import FEED_LIMIT_BYTES, lint
from services.cli.feed_lint.online import look
from services.cli.feed_lint.rules import RULES
from shared.addresses import without_password
from shared.errors import BadInput, Outage, TooLarge
from shared.text import one_line

_FETCH_SECONDS: Final = 60.0
_REDIRECTS_MOST: Final = 5
_ACCEPTED: Final = "application/rss+xml, application/xml, text/xml, */*;q=0.1"
_AGENT: Final = "podcast-lint"


@click.command("lint")
@click.argument("feed", metavar="FEED", required=False)
@click.option("--rules", "lists_rules", is_flag=True, help="List all rules, each with its source.")
@click.option("--online", is_flag=True, help="Also look at the covers and the newest episodes' files.")
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def lint_feed(*, feed: str | None, lists_rules: bool, online: bool, strict: bool, as_json: bool) -> None:
    """Check a podcast feed: the rules of PSP-1, of Apple and of the podcast namespace.

    FEED is a file, an http(s) address, or - for stdin. Fails if the feed breaks a rule that some client or directory
    insists on. Without --online nothing but the feed itself is loaded.
    """
    if lists_rules:
        _list_rules(as_json=as_json)
        return
    if feed is None:
        raise click.UsageError("Missing argument 'FEED'.", ctx=click.get_current_context(silent=True))
    address = feed if is_url(feed) else None
    document = _fetched(feed) if address else _read(feed)
    found = lint(document, address=address)
    if online:
        with _client() as client:
            found = sorted(found + look(document, client), key=lambda finding: finding.line)
    errors = sum(finding.broken.level == "error" for finding in found)
    warnings = len(found) - errors
    if as_json:
        summary = {"errors": errors, "warnings": warnings, "findings": [_document(finding) for finding in found]}
        printing.say_json(summary)
    else:
        for finding in found:
            printing.say(_line(finding))
        printing.note(f"{errors} errors, {warnings} warnings" if found else "Nothing is wrong with the feed.")
    if errors or (strict and warnings):
        click.get_current_context().exit(exits.JOB_FAILED)


def _read(feed: str) -> bytes:
    try:
        with click.open_file(feed, "rb") as file:
            document: bytes = file.read(FEED_LIMIT_BYTES + 1)
    except OSError as error:
        raise BadInput(
            f"The feed {feed} cannot be read: {error.strerror or error}.", hint="Correct the path."
        ) from error
    return _within_limit(document)


def _fetched(url: str) -> bytes:
    shown = one_line(without_password(url))
    end = time.monotonic() + _FETCH_SECONDS
    document = bytearray()
    try:
        with (
            _client() as client,
            client.stream("GET", url, headers={"Accept": _ACCEPTED}) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise BadInput(f"{shown} answers with HTTP {response.status_code}.", hint="Check the address.")
            for part in response.iter_bytes():
                document += part
                if len(document) > FEED_LIMIT_BYTES:
                    break
                if time.monotonic() > end:
                    raise Outage(
                        f"{shown} took longer than {_FETCH_SECONDS:.0f} s.",
                        hint="Try again, or save the feed to a file first.",
                    )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Outage(
            f"{shown} cannot be loaded: {one_line(str(error)) or type(error).__name__}.", hint="Check the address."
        ) from error
    return _within_limit(bytes(document))


def _client() -> httpx.Client:
    return httpx.Client(
        timeout=_FETCH_SECONDS / 4,
        follow_redirects=True,
        max_redirects=_REDIRECTS_MOST,
        headers={"User-Agent": _AGENT},
    )


def _within_limit(document: bytes) -> bytes:
    if len(document) > FEED_LIMIT_BYTES:
        raise TooLarge(
            f"The feed has more than {FEED_LIMIT_BYTES / 1e6:.0f} MB.", hint="Split it into pages (rel=next)."
        )
    return document


def _list_rules(*, as_json: bool) -> None:
    if as_json:
        printing.say_json({name: dataclasses.asdict(rule) for name, rule in RULES.items()})
        return
    for name, rule in RULES.items():
        printing.say(f"{name:<22}{rule.level:<9}{rule.says} ({rule.source})")


def _line(finding: Finding) -> str:
    rule = finding.broken
    where = f"line {finding.line}: " if finding.line else ""
    element = f"{finding.element}: " if finding.element else ""
    detail = f" {finding.detail}." if finding.detail else ""
    return one_line(f"{rule.level}: {where}{element}{rule.says}{detail} [{finding.rule}; {rule.source}]")


def _document(finding: Finding) -> dict[str, str | int]:
    rule = finding.broken
    return {
        "rule": finding.rule,
        "level": rule.level,
        "line": finding.line,
        "element": finding.element,
        "detail": finding.detail,
        "says": rule.says,
        "source": rule.source,
    }
