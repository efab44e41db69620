"""Names of programs' parts and of files: `max_parallel` → max parallel, `README.md` → README dot md; hashtags."""

from __future__ import annotations

import re

from services.chunker.wording.language import Language
from services.chunker.wording.notes import Notes

_ENDINGS = (
    "py|js|ts|rs|go|c|h|cc|cpp|hpp|java|rb|php|pl|sh|md|rst|txt|html?|xml|json|ya?ml|toml|ini|cfg|conf|csv|tsv|pdf|epub|docx?|odt|xlsx?"
    "|pptx?|png|jpe?g|gif|svg|mp3|mp4|wav|ogg|flac|zip|gz|tar|xz|bz2|deb|rpm|exe|dll|so|log|lock|tex|sql|db|css|service|socket"
)
_PATH = re.compile(
    r"(?<![\w/.:~<-])(~?/(?:[\w.+@-]{1,80}/){0,12}[\w.+@-]{1,80}/?|\.{1,2}/(?:[\w.+@-]{1,80}/){0,12}[\w.+@-]{1,80}/?)(?![\w/])"
)
_WINDOWS_PATH = re.compile(r"(?<!\w)[A-Z]:\\(?:[\w .+-]{1,60}\\){0,12}[\w.+-]{0,60}")
_RELATIVE_PATH = re.compile(
    rf"(?<![\w/.:~-])(?:[\w+-][\w.+-]{{0,60}}/){{1,12}}[\w+-][\w.+-]{{0,60}}\.(?:{_ENDINGS})(?![\w/])", re.IGNORECASE
)
_FILE = re.compile(rf"(?<![\w.@/-])\.?[A-Za-z_][\w+-]{{1,60}}(?:\.[\w-]{{1,20}}){{0,3}}\.(?:{_ENDINGS})(?![\w/-]|\.\w)")
_CALL = re.compile(r"(?<=\w)\(\)")
_CAMEL = re.compile(
    r"(?<![\w'\u2019])[a-z]{2,40}(?:[A-Z][a-z0-9]{1,40}){1,8}(?!\w)|(?<![\w'\u2019])(?:[A-Z][a-z]{1,40}){3,8}(?!\w)"
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_DOTTED = re.compile(
    r"(?<![\w.@/-])[a-z][a-z0-9]{1,30}(?:\.[a-z][a-z0-9]{1,30}){1,6}(?:\.[A-Z][A-Za-z]{1,30})?(?![\w@/-]|\.\w)"
)
_FLAG = re.compile(
    r"(?<![^\s(\[\"'\u201c\u201e\u00ab/])(--?)([a-z][a-z0-9]{0,30}(?:-[a-z0-9]{1,30}){0,6})(?![\w])", re.IGNORECASE
)
_HASHTAG = re.compile(r"(?<![\w&/#])#([^\W\d_][\w]{1,60})")
_HANDLE = re.compile(r"(?<![\w.@/])@([^\W\d_][\w]{1,60})")
_NAMES = re.compile(r"(?<!\w)(?:C\+\+|C#|F#|g\+\+)(?![\w+#])")


def say_names(text: str, language: Language, notes: Notes) -> str:
    """Say names of files, paths, functions, options, hashtags and handles."""
    del notes
    words = language.words
    if language.has_words:
        text = _NAMES.sub(lambda found: _named(found[0], language), text)
        text = _HASHTAG.sub(lambda found: f"{words['hashtag']} {_HUMP.sub(' ', found[1])}", text)
        text = _HANDLE.sub(lambda found: f"{words['at']} {found[1]}", text)
        text = _WINDOWS_PATH.sub(lambda found: _path(found[0].replace(":", "").replace("\\", "/"), language), text)
        text = _PATH.sub(lambda found: _path(found[0], language), text)
        text = _RELATIVE_PATH.sub(lambda found: _path(found[0], language), text)
        text = _FILE.sub(lambda found: _file(found[0], language), text)
        text = _DOTTED.sub(lambda found: found[0].replace(".", f" {words['dot']} "), text)
        text = _FLAG.sub(lambda found: _flag(found, language), text)
    text = _CALL.sub("", text)
    text = text.replace("_", " ")
    return _CAMEL.sub(lambda found: _HUMP.sub(" ", found[0]), text)


def _named(name: str, language: Language) -> str:
    letter = name[0].upper()
    return (
        f"{letter} {language.words['sharp']}"
        if name.endswith("#")
        else f"{letter} {language.words['plus']} {language.words['plus']}"
    )


def _path(path: str, language: Language) -> str:
    slash = f" {language.words['slash']} "
    return slash.join(
        _file(step, language) if "." in step.rstrip(".") else step for step in path.removeprefix("~").split("/")
    ).strip()


def _file(name: str, language: Language) -> str:
    return name.replace(".", f" {language.words['dot']} ").replace("-", " ").strip()


def _flag(found: re.Match[str], language: Language) -> str:
    dash = language.words["dash"]
    return f"{' '.join([dash] * len(found[1]))} {found[2].replace('-', ' ')}"
