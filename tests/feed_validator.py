"""Checks our feeds with the code of the W3C's validator and the schema of the podcast namespace: `make feed-validate`.

Neither is a package, so both are folders that somebody has fetched: `VALIDATOR` is `src` of
https://github.com/w3c/feedvalidator, which needs html5lib and rdflib (`pip install --target`), and `NAMESPACE` is
https://github.com/Podcastindex-org/podcast-namespace.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from lxml import etree

from services.gateway.show_feed import PODCAST
from shared.client import feed_tokens, shows
from shared.protocol.messages import new_job_id
from shared.store import keys
from tests.unit.gateway.made_shows import JPEG, PNG, PUBLIC_URL, gateway_with_shows

SHOWS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"visibility": "private", "owner_email": None, "author": ""},
    {"kind": "serial", "is_complete": True, "locked": False, "language": "de-AT", "medium": "audiobook"},
    {"title": "\u202e]]> & <b>", "description": "a < b & <i>c</i> &lt;" * 20, "announce": True, "feed_items": 2},
    {"persons": [{"name": "A", "href": "https://example.org/a"}], "link": "https://example.org/", "explicit": True},
)
IN_SCHEMA: Final = frozenset(
    ("transcript", "locked", "funding", "chapters", "soundbite", "person", "location", "season", "episode", "value")
)
"""Elements that the schema knows; it is older than the others."""

KNOWN: Final = {
    "The attribute 'name' is required": "season's is optional: podcast namespace, docs/tags/season.md",
    "The attribute 'owner' is required": "locked's is optional: podcast namespace, docs/tags/locked.md",
    "Undefined channel element: itunes:complete": "Apple lists it: A Podcaster's Guide to RSS",
    "recommended <itunes:email> element is missing": "only directories need it, and it would be public",
    "Missing namespace for": "of what is in podcast:liveItem, which the validator does not know",
}
"""What they object to although it is right, and why it is right."""


async def feeds(directory: Path) -> list[tuple[str, bytes]]:
    """Address and document of some feeds of ours."""
    found = []
    for number, fields in enumerate(SHOWS):
        async with gateway_with_shows(directory / str(number), websub_hub="https://hub.example.org/") as made:
            await made.show(**fields)
            await shows.set_cover(made.store, "essays", JPEG)
            for episode in range(3):
                job_id = new_job_id()
                await made.store.put(keys.source(job_id, "cover-1.png"), PNG)
                await made.job(
                    job_id,
                    number=episode + 1,
                    season=1,
                    title=f"\x00Episode {episode} < 4 & more",
                    summary="On friendship: https://example.org/x & <b>more.\n\nAnd more.",
                    published_at=1_790_000_000.0 + episode,
                    cover=keys.source(job_id, "cover-1.png"),
                )
            await made.job(new_job_id(), state="synthesizing", title="Soon")
            query = {}
            if "visibility" in fields:
                query["token"] = (await feed_tokens.add(made.store, "essays", name=""))[1]
            response = await made.client.get("/shows/essays/feed.xml", params=query)
            found.append((str(response.url).replace("http://127.0.0.1:8080", PUBLIC_URL), response.content))
    return found


def of_the_validator(address: str, document: bytes) -> list[str]:
    """What the public validator would say; it knows nothing of the podcast namespace."""
    validator = importlib.import_module("feedvalidator")
    compatibility = importlib.import_module("feedvalidator.compatibility")
    formatter = importlib.import_module("feedvalidator.formatter.text_plain")
    events = validator.validateString(document.decode(), firstOccurrenceOnly=0, base=address)["loggedEvents"]
    return list(formatter.Formatter(compatibility.AA(events)))


def of_the_schema(schema: etree.XMLSchema, document: bytes) -> list[str]:
    """What the schema finds in the elements that it knows."""
    said = []
    for element in etree.fromstring(document).iter(f"{{{PODCAST}}}*"):
        local = etree.QName(element).localname
        if local in IN_SCHEMA:
            alone = etree.fromstring(etree.tostring(element, with_tail=False))
            alone.tag = local  # the schema names no namespace
            etree.cleanup_namespaces(alone)
            if not schema.validate(alone):
                said += [f"{local}: {entry.message}" for entry in schema.error_log]
    return said


def main() -> int:
    """Print what is found; 1 if anything is."""
    sys.path += [os.environ["VALIDATOR"], *filter(None, os.environ.get("VALIDATOR_PACKAGES", "").split(":"))]
    schema = etree.XMLSchema(etree.parse(Path(os.environ["NAMESPACE"]) / "docs" / "schema" / "podcast.xsd"))
    with tempfile.TemporaryDirectory() as directory:
        found = asyncio.run(feeds(Path(directory)))
    wrong = 0
    for number, (address, document) in enumerate(found, 1):
        said = of_the_validator(address, document) + of_the_schema(schema, document)
        new = [line for line in said if not any(known in line for known in KNOWN)]
        wrong += len(new)
        print(  # noqa: T201
            f"feed {number}: {len(document):,} bytes, {len(new)} findings, {len(said) - len(new)} known",
            *new,
            sep="\n  ",
        )
    return min(1, wrong)


if __name__ == "__main__":
    sys.exit(main())
