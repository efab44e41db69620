"""Every rule: how bad it is to break it, what it says, and who says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Level = Literal["error", "warning"]

_PSP: Final = "PSP-1, The Podcast RSS Standard"
_APPLE: Final = "Apple, A Podcaster's Guide to RSS"
_NAMESPACE: Final = "podcast namespace"
_RSS: Final = "RSS 2.0"
_XML: Final = "XML 1.0"
_RFC_2822: Final = "RFC 2822, 3.3"


@dataclass(frozen=True)
class Rule:
    """A rule.

    Attributes:
        level: error: some client or directory refuses the feed or a part of it; warning: it is worse than it could be.
        says: what is required.
        source: by whom.
    """

    level: Level
    says: str
    source: str


def _error(says: str, source: str) -> Rule:
    return Rule("error", says, source)


def _warning(says: str, source: str) -> Rule:
    return Rule("warning", says, source)


RULES: Final[dict[str, Rule]] = {
    # The document
    "xml": _error("The feed is well-formed XML.", f"{_XML}, 2.1"),
    "doctype": _warning("There is no document type declaration; clients do not read one.", _RSS),
    "encoding": _warning("The feed is in UTF-8.", _PSP),
    "rss": _error("The root element is `rss`.", _RSS),
    "version": _error("The version of RSS is 2.0.", _RSS),
    "channel": _error("There is one `channel`.", _RSS),
    "namespace": _error("Prefixes stand for the namespaces that they are known for, letter by letter.", _PSP),
    "once": _error("This element stands at most once in its parent.", _RSS),
    "unknown-tag": _warning("The namespace has an element of this name.", f"{_APPLE}; {_NAMESPACE}"),
    "place": _warning("The element stands where it belongs: in the channel, or in an item.", f"{_APPLE}; {_NAMESPACE}"),
    "items": _warning("The feed has an episode.", _APPLE),
    # The show
    "title": _error("The show has a title.", _RSS),
    "description": _error("The show has a description.", _RSS),
    "description-length": _error("A description has at most 4,000 bytes.", _PSP),
    "link": _error("The show has a link to its page.", _RSS),
    "url": _error("An address is an absolute http or https address.", _RSS),
    "https": _warning("Addresses are https.", _APPLE),
    "value-length": _warning("A value has at most 255 characters.", _PSP),
    "spaces": _warning("A value has no spaces before and after it.", _PSP),
    "copyright": _warning("The copyright names who has it, without the word, the sign © and the year.", _PSP),
    "language": _error("The show has a language.", _PSP),
    "language-tag": _error("The language is a tag such as en or en-us.", _APPLE),
    "category": _error("The show has a category.", _PSP),
    "category-name": _error("The category is one of Apple's.", "Apple Podcasts categories"),
    "explicit": _error("The show says whether it is explicit.", _PSP),
    "explicit-value": _error("Explicit is true or false.", _APPLE),
    "cover": _error("The show has a cover: itunes:image with href.", _PSP),
    "cover-type": _warning("The address of a cover ends in .jpg, .jpeg or .png.", _APPLE),
    "self": _error("The feed names its own address: atom:link with rel=self.", _PSP),
    "self-address": _warning("The feed's own address is the one it was loaded from.", _PSP),
    "author": _warning("The show has an author: itunes:author.", _PSP),
    "owner-email": _warning("The owner's address is one of mail.", _APPLE),
    "type": _error("The type is episodic or serial.", _APPLE),
    "yes": _warning("The element says Yes, or is missing; any other value means nothing.", _APPLE),
    "date": _error("A date is as in `Tue, 05 May 2026 18:00:00 +0200`.", _RFC_2822),
    "weekday": _warning("The weekday is that of the date.", _RFC_2822),
    # The podcast namespace
    "guid-of-show": _warning("The show has a podcast:guid.", _PSP),
    "guid-uuid": _error("podcast:guid is a UUID.", f"{_NAMESPACE}, guid"),
    "guid-version": _warning("podcast:guid is a UUIDv5, derived from the feed's address.", f"{_NAMESPACE}, guid"),
    "locked": _warning("The show says whether it may be imported: podcast:locked.", _PSP),
    "locked-value": _error("podcast:locked is yes or no.", f"{_NAMESPACE}, locked"),
    "medium": _error("podcast:medium is one of the list.", f"{_NAMESPACE}, medium"),
    "person": _error("podcast:person has a name.", f"{_NAMESPACE}, person"),
    "txt": _error("podcast:txt has a text of at most 4,000 characters, its purpose of 128.", f"{_NAMESPACE}, txt"),
    "funding": _error("podcast:funding has a url.", f"{_NAMESPACE}, funding"),
    "transcript": _error("podcast:transcript has url and type.", f"{_NAMESPACE}, transcript"),
    "transcript-type": _warning(
        "A transcript is text/vtt, application/x-subrip, text/html, text/plain or application/json.",
        f"{_NAMESPACE}, transcript",
    ),
    "chapters": _error("podcast:chapters has url and type.", f"{_NAMESPACE}, chapters"),
    "chapters-type": _error("The type of chapters is application/json+chapters.", f"{_NAMESPACE}, chapters"),
    "alternate": _error(
        "podcast:alternateEnclosure has a type, and a podcast:source with uri.", f"{_NAMESPACE}, alternateEnclosure"
    ),
    "soundbite": _error("podcast:soundbite has startTime and duration in seconds.", f"{_NAMESPACE}, soundbite"),
    "live-item": _error(
        "podcast:liveItem has status (pending, live, ended), start, a guid and a podcast:contentLink with href.",
        f"{_NAMESPACE}, liveItem",
    ),
    "number": _error("Numbers of episodes and seasons are numbers; Apple's are whole and from 1 on.", _APPLE),
    # Episodes
    "item-title": _error("An episode has a title.", _PSP),
    "enclosure": _error("An episode has an enclosure.", _PSP),
    "enclosures": _warning("An episode has one enclosure; the others are podcast:alternateEnclosure.", _APPLE),
    "enclosure-url": _error("An enclosure has a url.", _RSS),
    "enclosure-length": _error("An enclosure has a length in bytes.", _RSS),
    "enclosure-empty": _warning("The length of an enclosure is that of its file, not 0.", _RSS),
    "enclosure-type": _error("An enclosure has a type.", _RSS),
    "enclosure-type-known": _warning("The type is one that Apple plays.", _APPLE),
    "enclosure-suffix": _warning("The address of an enclosure ends in the suffix of its type.", _APPLE),
    "enclosure-twice": _warning("Each episode has a file of its own.", _APPLE),
    "guid": _error("An episode has a guid.", _PSP),
    "guid-twice": _error("No two episodes have the same guid.", _RSS),
    "guid-link": _error("A guid that is no address says isPermaLink=false.", _RSS),
    "pubdate": _warning("An episode has a pubDate.", _PSP),
    "pubdate-future": _warning("An episode is not from the future.", _APPLE),
    "duration": _error("itunes:duration is in seconds, or HH:MM:SS.", _APPLE),
    "duration-seconds": _warning("itunes:duration is a number of seconds.", _PSP),
    "episode-type": _error("itunes:episodeType is full, trailer or bonus.", _APPLE),
    "serial-number": _warning("An episode of a serial show has a number: itunes:episode.", _PSP),
    # What the feed names (`--online`)
    "file": _error("What the feed names can be loaded.", _APPLE),
    "head": _error("Pictures and enclosures can be asked for with HEAD.", f"{_PSP}; {_APPLE}"),
    "range": _error("Parts of an enclosure can be asked for (byte ranges).", _APPLE),
    "file-length": _warning("The length of an enclosure is that of its file.", _RSS),
    "file-type": _warning("The type of an enclosure is that which its server names.", _RSS),
    "picture": _error("A cover is a JPEG or PNG, as its suffix says.", _PSP),
    "picture-size": _warning("A cover is a square of 1,400 to 3,000 pixels.", _PSP),
}  # fmt: skip
