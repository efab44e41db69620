"""The linter finds each fault that is put into a good feed, says who forbids it, and finds nothing in the good one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.feed_lint.linting import lint
from services.cli.feed_lint.rules import RULES
from tests.unit.cli.conftest import Podcast

GOOD: Final = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"
 xmlns:podcast="https://podcastindex.org/namespace/1.0" xmlns:atom="http://www.w3.org/2005/Atom">
<channel>
<atom:link href="https://example.org/feed.xml" rel="self" type="application/rss+xml"/>
<title>Essays</title>
<description>Old essays.</description>
<link>https://example.org/</link>
<language>en-us</language>
<itunes:category text="Arts"><itunes:category text="Books"/></itunes:category>
<itunes:explicit>false</itunes:explicit>
<itunes:image href="https://example.org/cover.jpg"/>
<itunes:author>A. Reader</itunes:author>
<itunes:owner><itunes:name>A</itunes:name><itunes:email>a@example.org</itunes:email></itunes:owner>
<itunes:type>episodic</itunes:type>
<podcast:guid>9b024349-ccf0-5f69-a609-6b82873eab3c</podcast:guid>
<podcast:locked owner="a@example.org">yes</podcast:locked>
<podcast:medium>podcast</podcast:medium>
<podcast:person role="host">A. Reader</podcast:person>
<podcast:txt purpose="ai-content">true</podcast:txt>
<podcast:funding url="https://example.org/give">Give</podcast:funding>
<lastBuildDate>Tue, 05 May 2026 18:00:00 +0000</lastBuildDate>
<item>
<title>One</title>
<enclosure url="https://example.org/1.mp3" length="1234" type="audio/mpeg"/>
<guid isPermaLink="false">one</guid>
<pubDate>Tue, 05 May 2026 18:00:00 +0000</pubDate>
<description>About one.</description>
<link>https://example.org/1</link>
<itunes:duration>61</itunes:duration>
<itunes:explicit>false</itunes:explicit>
<itunes:episode>1</itunes:episode>
<itunes:season>1</itunes:season>
<itunes:episodeType>full</itunes:episodeType>
<podcast:season>1</podcast:season>
<podcast:transcript url="https://example.org/1.vtt" type="text/vtt"/>
<podcast:chapters url="https://example.org/1.json" type="application/json+chapters"/>
<podcast:soundbite startTime="1.5" duration="30">Listen</podcast:soundbite>
<podcast:alternateEnclosure type="audio/ogg" length="9"><podcast:source uri="https://example.org/1.opus"/></podcast:alternateEnclosure>
</item>
<item>
<title>Two</title>
<enclosure url="https://example.org/2.mp3" length="1234" type="audio/mpeg"/>
<guid isPermaLink="false">two</guid>
<pubDate>Wed, 06 May 2026 18:00:00 GMT</pubDate>
</item>
</channel>
</rss>
"""
# What is replaced by what in the good feed, and the rule that is then broken.
FAULTS: Final[tuple[tuple[str, str, str], ...]] = (
    ("</channel>", "", "xml"),
    ("Old essays.", "Old & essays.", "xml"),
    ("Old essays.", "&eacute;", "xml"),
    ("?>\n<rss", "?>\n<!DOCTYPE rss SYSTEM 'x.dtd'>\n<rss", "doctype"),
    ('encoding="UTF-8"', 'encoding="ISO-8859-1"', "encoding"),
    ('version="2.0"', 'version="0.92"', "version"),
    ("http://www.itunes.com/dtds/podcast-1.0.dtd", "http://www.itunes.com/DTDs/Podcast-1.0.dtd", "namespace"),
    ("https://podcastindex.org/namespace/1.0", "http://podcastindex.org/namespace/1.0", "namespace"),
    ("<title>Essays</title>", "", "title"),
    ("<title>Essays</title>", "<title> </title>", "title"),
    ("<title>Essays</title>", "<title>Essays</title><title>Again</title>", "once"),
    ("<description>Old essays.</description>", "", "description"),
    ("Old essays.", "ä" * 2_001, "description-length"),
    ("<link>https://example.org/</link>", "", "link"),
    ("<link>https://example.org/</link>", "<link>example.org</link>", "url"),
    ("<link>https://example.org/</link>", "<link>http://example.org/</link>", "https"),
    ("<language>en-us</language>", "", "language"),
    ("en-us", "English", "language-tag"),
    ('<itunes:category text="Arts"><itunes:category text="Books"/></itunes:category>', "", "category"),
    ('text="Arts"', 'text="Essays"', "category-name"),
    ('text="Books"', 'text="Astronomy"', "category-name"),
    ("<itunes:explicit>false</itunes:explicit>\n<itunes:image", "<itunes:image", "explicit"),
    ("<itunes:explicit>false", "<itunes:explicit>clean", "explicit-value"),
    ('<itunes:image href="https://example.org/cover.jpg"/>', "", "cover"),
    ('<itunes:image href="', '<itunes:image url="', "cover"),
    ("cover.jpg", "cover.webp", "cover-type"),
    ('rel="self"', 'rel="alternate"', "self"),
    ("<itunes:author>A. Reader</itunes:author>", "", "author"),
    ("<itunes:email>a@example.org", "<itunes:email>a at example.org", "owner-email"),
    ("<itunes:type>episodic", "<itunes:type>daily", "type"),
    ("<itunes:type>", "<itunes:complete>No</itunes:complete><itunes:type>", "yes"),
    ("<itunes:type>", "<itunes:new-feed-url>x</itunes:new-feed-url><itunes:type>", "url"),
    ("<itunes:type>", "<itunes:tpye>serial</itunes:tpye><itunes:type>", "unknown-tag"),
    ("<itunes:type>", "<itunes:duration>5</itunes:duration><itunes:type>", "place"),
    ("<podcast:guid>9b024349-ccf0-5f69-a609-6b82873eab3c</podcast:guid>", "", "guid-of-show"),
    ("9b024349-ccf0-5f69-a609-6b82873eab3c", "essays", "guid-uuid"),
    ("9b024349-ccf0-5f69-a609-6b82873eab3c", "9b024349-ccf0-4f69-a609-6b82873eab3c", "guid-version"),
    ('<podcast:locked owner="a@example.org">yes</podcast:locked>', "", "locked"),
    (">yes</podcast:locked>", ">true</podcast:locked>", "locked-value"),
    ("<podcast:medium>podcast", "<podcast:medium>radio", "medium"),
    (">A. Reader</podcast:person>", "></podcast:person>", "person"),
    (">true</podcast:txt>", f">{'x' * 4_001}</podcast:txt>", "txt"),
    (' url="https://example.org/give"', "", "funding"),
    ("<podcast:medium>", "<podcast:mood>calm</podcast:mood><podcast:medium>", "unknown-tag"),
    ("<lastBuildDate>Tue, 05 May 2026 18:00:00 +0000", "<lastBuildDate>2026-05-05T18:00:00Z", "date"),
    ("<title>One</title>", "", "item-title"),
    ('<enclosure url="https://example.org/1.mp3" length="1234" type="audio/mpeg"/>', "", "enclosure"),
    ("<title>Two</title>", '<title>Two</title><enclosure url="https://a.org/3.mp3" length="1" type="audio/mpeg"/>',
     "enclosures"),
    ('url="https://example.org/1.mp3" ', "", "enclosure-url"),
    ("https://example.org/1.mp3", "/1.mp3", "url"),
    ('1.mp3" length="1234"', '1.mp3"', "enclosure-length"),
    ('1.mp3" length="1234"', '1.mp3" length="1.2 MB"', "enclosure-length"),
    ('1.mp3" length="1234"', '1.mp3" length="0"', "enclosure-empty"),
    ('1.mp3" length="1234" type="audio/mpeg"', '1.mp3" length="1234"', "enclosure-type"),
    ('1.mp3" length="1234" type="audio/mpeg"', '1.mp3" length="1234" type="audio/opus"', "enclosure-type-known"),
    ("https://example.org/1.mp3", "https://example.org/play?id=1", "enclosure-suffix"),
    ("https://example.org/2.mp3", "https://example.org/1.mp3", "enclosure-twice"),
    ('<guid isPermaLink="false">one</guid>', "", "guid"),
    ('<guid isPermaLink="false">one</guid>', "<guid/>", "guid"),
    (">two</guid>", ">one</guid>", "guid-twice"),
    ('<guid isPermaLink="false">one', "<guid>one", "guid-link"),
    ("<pubDate>Tue, 05 May 2026 18:00:00 +0000</pubDate>", "", "pubdate"),
    ("<pubDate>Tue, 05 May 2026", "<pubDate>Die, 05 Mai 2026", "date"),
    ("<pubDate>Tue, 05 May 2026", "<pubDate>Tue, 35 May 2026", "date"),
    ("<pubDate>Tue, 05 May 2026", "<pubDate>Mon, 05 May 2026", "weekday"),
    ("<pubDate>Tue, 05 May 2026", "<pubDate>Tue, 05 May 9998", "pubdate-future"),
    ("About one.", "x" * 4_001, "description-length"),
    ("<itunes:duration>61", "<itunes:duration>one minute", "duration"),
    ("<itunes:duration>61", "<itunes:duration>01:01", "duration-seconds"),
    ("<itunes:episode>1", "<itunes:episode>0", "number"),
    ("<itunes:season>1", "<itunes:season>one", "number"),
    ("<itunes:episodeType>full", "<itunes:episodeType>pilot", "episode-type"),
    ("<podcast:season>1", "<podcast:season>first", "number"),
    (' type="text/vtt"', "", "transcript"),
    ('type="text/vtt"', 'type="application/msword"', "transcript-type"),
    ('<podcast:chapters url="https://example.org/1.json"', "<podcast:chapters", "chapters"),
    ('type="application/json+chapters"', 'type="application/json"', "chapters-type"),
    ('<podcast:source uri="https://example.org/1.opus"/>', "", "alternate"),
    ("<title>Essays", f"<title>{'x' * 256}", "value-length"),
    ("<title>One", f"<title>{'x' * 256}", "value-length"),
    ("<title>One", "<title> One", "spaces"),
    ("<itunes:type>", "<copyright>© 2026 A. Reader</copyright><itunes:type>", "copyright"),
    ("<itunes:type>episodic", "<itunes:type>serial", "serial-number"),
    ("</podcast:medium>", "</podcast:medium><podcast:liveItem start='2026-05-05T18:00:00Z'/>", "live-item"),
    ('duration="30"', 'duration="half a minute"', "soundbite"),
)  # fmt: skip


def rules_of(document: str, address: str | None = None) -> set[str]:
    return {finding.rule for finding in lint(document.encode(), address=address)}


def test_a_good_feed_has_no_finding() -> None:
    assert lint(GOOD.encode(), address="https://example.org/feed.xml") == []


@pytest.mark.parametrize(("good", "bad", "rule"), FAULTS, ids=[f"{at}-{fault[2]}" for at, fault in enumerate(FAULTS)])
def test_each_fault_is_found_and_nothing_else(good: str, bad: str, rule: str) -> None:
    assert good in GOOD
    found = rules_of(GOOD.replace(good, bad, 1))
    assert rule in found
    # A wrong namespace makes elements unknown; and one cannot judge the suffix of what has no address.
    assert rule == "namespace" or found - {rule} <= {"enclosure-suffix"}


def test_more_than_forty_faults_are_seeded_and_every_rule_is_broken_once() -> None:
    assert len(FAULTS) >= 40
    elsewhere = {"rss", "channel", "items", "self-address"}
    online = {"file", "head", "range", "file-length", "file-type", "picture", "picture-size"}  # test_feed_lint_online
    assert {rule for _, _, rule in FAULTS} | elsewhere | online == set(RULES)


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        ('<feed xmlns="http://www.w3.org/2005/Atom"/>', "rss"),
        ("<html/>", "rss"),
        ('<rss version="2.0"/>', "channel"),
        (re.sub(r"<item>.*</item>", "", GOOD, flags=re.DOTALL), "items"),
        ("", "xml"),
        ('<?xml version="1.0" encoding="klingon"?><rss/>', "xml"),
    ],
)
def test_what_is_no_feed_is_said_to_be_none(document: str, rule: str) -> None:
    assert rule in rules_of(document)


def test_a_feed_that_was_loaded_from_elsewhere_is_told() -> None:
    assert rules_of(GOOD, address="https://example.org/other.xml") == {"self-address"}


def test_a_finding_says_where_it_is_and_who_forbids_it() -> None:
    [finding] = lint(GOOD.replace("<itunes:duration>61", "<itunes:duration>1 min").encode())
    assert GOOD.splitlines()[finding.line - 1] == "<itunes:duration>61</itunes:duration>"
    assert (finding.element, finding.detail) == ("itunes:duration", "“1 min”")
    assert all(rule.source and rule.says.endswith(".") for rule in RULES.values())


def test_entities_are_not_expanded() -> None:
    bomb = '<!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>'
    document = GOOD.replace("?>\n<rss", f"?>\n{bomb}\n<rss").replace("Old essays.", "&b;&c;")
    assert "root:" not in str(lint(document.encode()))


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    assert lint(data)


@given(st.sampled_from(GOOD.splitlines()), st.text(max_size=40))
def test_no_text_in_a_feed_makes_it_fail(line: str, text: str) -> None:
    lint(GOOD.replace(line, text, 1).encode(errors="replace"))


# ---------------------------------------------------------------- the command


def test_the_command_fails_on_errors_alone_unless_it_is_strict(podcast: Podcast, tmp_path: Path) -> None:
    feed = tmp_path / "feed.xml"
    feed.write_text(GOOD)
    good = podcast("lint", feed)
    assert (good.exit_code, good.stdout, good.stderr) == (0, "", "Nothing is wrong with the feed.\n")
    feed.write_text(GOOD.replace("cover.jpg", "cover.webp"))
    assert podcast("lint", feed).exit_code == 0
    assert podcast("lint", feed, "--strict").exit_code == 1
    feed.write_text(GOOD.replace("<language>en-us</language>", ""))
    bad = podcast("lint", feed)
    assert (bad.exit_code, bad.stderr) == (1, "1 errors, 0 warnings\n")
    assert (
        bad.stdout
        == "error: line 4: channel/language: The show has a language. [language; PSP-1, The Podcast RSS Standard]\n"
    )
    document = json.loads(podcast("lint", "-", "--json", stdin=feed.read_text()).stdout)
    assert (document["errors"], document["findings"][0]["rule"]) == (1, "language")


def test_the_command_lists_its_rules_and_refuses_what_it_cannot_read(podcast: Podcast, tmp_path: Path) -> None:
    assert len(podcast("lint", "--rules").stdout.splitlines()) == len(RULES)
    missing = podcast("lint", tmp_path / "none.xml")
    assert missing.exit_code == 2
    assert "cannot be read" in missing.stderr
    assert podcast("lint").exit_code == 2
    refused = podcast("lint", "http://127.0.0.1:9/feed.xml")
    assert refused.exit_code == 3
    assert "cannot be loaded" in refused.stderr
