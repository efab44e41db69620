"""Languages by BCP 47 tag: what two tags have in common, and what a language is called in English."""

from __future__ import annotations

import re
from typing import Final

_TAG: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_TAG_LIMIT_CHARACTERS: Final = 35
"""RFC 5646, 4.4.1: long enough for any reasonable tag."""
_SAME: Final = {"cmn": "zh", "nb": "no", "iw": "he", "in": "id", "fil": "tl", "ji": "yi", "jw": "jv"}
"""Primary subtags that voices and documents use for one language."""

NAMES: Final = {
    "af": "Afrikaans", "am": "Amharic", "an": "Aragonese", "ar": "Arabic", "as": "Assamese", "az": "Azerbaijani",
    "ba": "Bashkir", "be": "Belarusian", "bg": "Bulgarian", "bn": "Bengali", "br": "Breton", "bs": "Bosnian",
    "ca": "Catalan", "cs": "Czech", "cy": "Welsh", "da": "Danish", "de": "German", "el": "Greek", "en": "English",
    "eo": "Esperanto", "es": "Spanish", "et": "Estonian", "eu": "Basque", "fa": "Persian", "fi": "Finnish",
    "fo": "Faroese", "fr": "French", "fy": "Frisian", "ga": "Irish", "gd": "Scottish Gaelic", "gl": "Galician",
    "gu": "Gujarati", "ha": "Hausa", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "ht": "Haitian Creole",
    "hu": "Hungarian", "hy": "Armenian", "id": "Indonesian", "ig": "Igbo", "is": "Icelandic", "it": "Italian",
    "ja": "Japanese", "jv": "Javanese", "ka": "Georgian", "kk": "Kazakh", "km": "Khmer", "kn": "Kannada",
    "ko": "Korean", "ku": "Kurdish", "ky": "Kyrgyz", "la": "Latin", "lb": "Luxembourgish", "lo": "Lao",
    "lt": "Lithuanian", "lv": "Latvian", "mg": "Malagasy", "mk": "Macedonian", "ml": "Malayalam", "mn": "Mongolian",
    "mr": "Marathi", "ms": "Malay", "mt": "Maltese", "my": "Burmese", "ne": "Nepali", "nl": "Dutch",
    "no": "Norwegian", "nn": "Nynorsk", "oc": "Occitan", "or": "Odia", "pa": "Punjabi", "pl": "Polish",
    "ps": "Pashto", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "rw": "Kinyarwanda", "sd": "Sindhi",
    "si": "Sinhala", "sk": "Slovak", "sl": "Slovene", "sn": "Shona", "so": "Somali", "sq": "Albanian",
    "sr": "Serbian", "sv": "Swedish", "sw": "Swahili", "ta": "Tamil", "te": "Telugu", "tg": "Tajik", "th": "Thai",
    "tk": "Turkmen", "tl": "Filipino", "tr": "Turkish", "tt": "Tatar", "ug": "Uyghur", "uk": "Ukrainian",
    "ur": "Urdu", "uz": "Uzbek", "vi": "Vietnamese", "xh": "Xhosa", "yi": "Yiddish", "yo": "Yoruba",
    "yue": "Cantonese", "zh": "Chinese", "zu": "Zulu",
}  # fmt: skip
"""ISO 639 code → English name (CLDR), for the languages that speech engines have voices for."""


def normalised(tag: str | None) -> str:
    """A language tag as it is compared and stored: `de_AT` becomes `de-AT`; "" if it is none, such as `English`."""
    tag = (tag or "").strip().replace("_", "-")
    if len(tag) > _TAG_LIMIT_CHARACTERS or not _TAG.fullmatch(tag):
        return ""
    first, _, rest = tag.partition("-")
    return first.lower() + (f"-{rest}" if rest else "")


def primary(tag: str) -> str:
    """The language of a tag without its region and script; the same for `zh-CN` and `cmn`."""
    first = tag.replace("_", "-").partition("-")[0].lower()
    return _SAME.get(first, first)


def is_known(tag: str) -> bool:
    """Whether the language of a tag is one of those that have a name here."""
    return primary(tag) in NAMES


def shown(tag: str) -> str:
    """A language for people: `German (de-AT)`, or the tag alone if it has no name here."""
    name = NAMES.get(primary(tag))
    return f"{name} ({tag})" if name else tag
