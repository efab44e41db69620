"""Addresses of the web and of mail: the host and the first part of the path, as somebody would tell them.

In languages without words for the dot and the slash, the host stays as it is written and the rest is left out.
"""

from __future__ import annotations

import re

from services.chunker.wording.language import Language
from services.chunker.wording.notes import Notes

_TOP_LEVEL = (
    "com|org|net|io|dev|info|edu|gov|mil|int|eu|de|fr|es|uk|us|ca|au|at|ch|it|nl|be|se|no|dk|fi|pl|pt|cz|jp|cn|kr|br|mx|ar|nz|ie"
    "|ai|app|cloud|blog|wiki|online|site|xyz|tv|fm|me|biz|news|tech|page"
)
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = rf"(?:{_LABEL}\.){{1,8}}[a-z]{{2,24}}"
_URL = re.compile(
    r"(?<![\w@])(?:https?|ftps?|git|ssh)://[^\s<>\"\u00ab\u00bb\u201c\u201d]++|(?<![\w@./-])www\.[^\s<>\"]{3,}+",
    re.IGNORECASE,
)
_MAIL = re.compile(rf"(?<![\w.%+-])(?:mailto:)?([a-z0-9][a-z0-9._%+-]{{0,63}})@({_HOST})(?![\w-])", re.IGNORECASE)
_BARE = re.compile(
    rf"(?<![\w@./\\-])((?:{_LABEL}\.){{1,8}}(?:{_TOP_LEVEL}))((?:/[\w%~.+-]*+)*+)(?![\w@-]|\.\w)", re.IGNORECASE
)
_AFTER = re.compile(r"[.,;:!?'\"*_)\]}>\u2026\u2019\u201d\u00bb]++$")
_PARTS = re.compile(
    r"^([a-z][a-z0-9+.-]{0,20}://)?(?:[^/?#@]{0,100}@)?([^/?#:]{0,255})(:\d{1,5})?(/[^?#]*)?(.*)$",
    re.IGNORECASE | re.DOTALL,
)
_SPOKEN_PART = re.compile(r"[^\W\d_][\w.+-]{0,30}")
_WORD_ENDINGS = frozenset(
    {
        "com",
        "org",
        "net",
        "info",
        "edu",
        "gov",
        "mil",
        "int",
        "dev",
        "app",
        "cloud",
        "blog",
        "wiki",
        "online",
        "site",
        "biz",
        "news",
        "tech",
        "page",
        "local",
    }
)


def say_addresses(text: str, language: Language, notes: Notes) -> str:
    """Say addresses; what is not said of one is noted."""
    if "://" in text or "www." in text.lower():
        text = _URL.sub(lambda found: _url(found[0], language, notes), text)
    if "@" in text:
        text = _MAIL.sub(lambda found: _mail(found, language), text)
    if "." in text and language.has_words:
        text = _BARE.sub(lambda found: _url(found[0], language, notes), text)
    return text


def _url(written: str, language: Language, notes: Notes) -> str:
    end = _AFTER.search(written)
    bare, after = (written[: end.start()], written[end.start() :]) if end else (written, "")
    if after.startswith(")") and bare.count("(") > bare.count(")"):
        bare, after = bare + ")", after[1:]
    parts = _PARTS.match(bare)
    if parts is None or not parts[2]:
        return notes.leave_out("address", "nothing in it is a word", written) + after
    _, host, port, path, rest = parts.groups()
    host = host.lower().removeprefix("www.")
    steps = [step for step in (path or "").split("/") if step]
    first = steps[0] if steps else ""
    is_said = (
        bool(_SPOKEN_PART.fullmatch(first)) and first.lower() not in {"index.html", "index.php"} and language.has_words
    )
    if len(steps) > int(is_said) or port or len(rest) > 1:
        notes.leave_out("address", "of an address, the host and the first part of the path are read", written)
    said = say_host(host, language)
    if is_said:
        said += f" {language.words['slash']} {_label(first, language)}"
    return said + after


def say_host(host: str, language: Language) -> str:
    """`example.org` → example dot org."""
    if not language.has_words:
        return host
    labels = host.split(".")
    last = labels[-1]
    if len(labels) > 1 and last.isalpha() and last not in _WORD_ENDINGS and len(last) == 2:
        labels[-1] = " ".join(last.upper())
    if last.isdecimal():
        labels = [language.cardinal(int(label)) if label.isdecimal() and len(label) <= 3 else label for label in labels]
    return f" {language.words['dot']} ".join(_label(label, language) for label in labels)


def _mail(found: re.Match[str], language: Language) -> str:
    name, host = found[1], found[2].lower()
    if not language.has_words:
        return f"{name} {host}"
    return f"{_label(name, language)} {language.words['at']} {say_host(host, language)}"


def _label(label: str, language: Language) -> str:
    """The parts of a name, with its dots and hyphens said; digits stay for the passes that follow."""
    said = label.replace("_", " ").replace("~", "").replace("+", f" {language.words['plus']} ").replace("%", " ")
    return " ".join(said.replace("-", f" {language.words['dash']} ").replace(".", f" {language.words['dot']} ").split())
