"""Navigation that no name gives away: lines of links like "Prev Up Next", and tables of contents within a page."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Final

from lxml.html import HtmlElement

from services.chunker.documents.pages.segments import HEADINGS, TextRun, key, sample, segments, words

CONTENTS: Final = "a table of contents is for turning pages"
_WORDS: Final = """
    next previous prev up home top contents index toc back forward forth first last start begin table of content
    tableofcontents nextpage previouspage backtotop mainpage generalindex detailedcontents beginning menu skip nextup
    page chapter section
    zurück weiter vor nachoben oben hoch anfang zumanfang inhalt inhaltsverzeichnis stichwortverzeichnis startseite
    vorherige nächste nächstes vorheriges seitenanfang
    précédent suivant niveausupérieur sommaire tabledesmatières début remonter précédente suivante retour haut accueil
    anterior siguiente subir inicio índice contenido arriba tabladecontenidos próximo próxima acima sumário voltar
    indietro avanti risali partenza precedente successivo indice inizio su sommario
    vorige volgende omhoog begin inhoud terug poprzedni następny wgóre spistreści dalej wstecz föregående nästa upp
    пред следующая предыдущая след наверх начало содержание назад вперед вперёд оглавление вверх
    前のページ 次のページ 上に戻る ホーム 目次 前 次 上 戻る 上一页 下一页 目录 首页 起始页
"""
_NAVIGATING: Final = frozenset(key(word) for word in _WORDS.split())
_WORD: Final = re.compile(r"\w+")
_SHORT_CHARACTERS: Final = 300
_KEYS: Final = frozenset({"n", "p", "u", "h", "c", "i"})
_LINKS: Final = frozenset(
    {"next", "prev", "previous", "up", "home", "index", "contents", "top", "start", "first", "last"}
)
_CONTENTS_TITLES: Final = re.compile(
    r"(?:short |detailed |brief )?(?:table of )?contents|on this page|in this (?:article|page|section)|page contents"
    r"|overview of contents|inhalt(?:sverzeichnis)?|auf dieser seite|table des mati[èe]res|sommaire"
    r"|tabla de contenidos?|[íi]ndice(?: de contenidos)?|contenido|indice|sommario|inhoud(?:sopgave)?|sum[áa]rio"
    r"|spis tre[śs]ci|inneh[åa]ll|содержание|оглавление|目次|目录|contenuti",
    re.IGNORECASE,
)
_MADE_BY: Final = re.compile(
    r"(?:this (?:document|page|file|manual) was )?(?:generated|built|created|translated) (?:automatically )?"
    r"(?:on .{1,60} )?(?:by|using|with) .{1,150}",
    re.IGNORECASE,
)
"""The line that a generator leaves at a page's end."""
_TEASER_TITLES: Final = re.compile(
    r"(?:related|similar|recommended|latest|recent|popular|more|further)"
    r" (?:articles?|posts?|stories|news|content|topics|links|reading|like this|from .{1,30})"
    r"|(?:also|more) (?:on|about|in) .{1,30}|you (?:may|might) also (?:like|be interested in)|read (?:more|next|also)"
    r"|(?:mehr|weiteres?|auch) (?:zum thema|zu diesem thema|interessant)"
    r"|(?:verwandte|[äa]hnliche|weitere|neueste|aktuelle)"
    r" (?:artikel|beitr[äa]ge|themen|meldungen|nachrichten)"
    r"|das k[öo]nnte (?:dich|sie) auch interessieren|lesen sie auch"
    r"|(?:à|a) lire (?:aussi|également)|(?:articles?|sujets?) (?:liés|similaires|associés|connexes)"
    r"|sur le même (?:sujet|thème)"
    r"|(?:art[íi]culos|noticias|entradas) (?:relacionad[oa]s|similares)|(?:te|le) puede interesar|ver también"
    r"|articoli (?:correlati|simili|recenti)|leggi anche|potrebbe interessarti"
    r"|(?:artigos|notícias) relacionad[oa]s|leia também"
    r"|(?:gerelateerde|meer) artikelen|lees ook|(?:powiązane|podobne) artykuły|czytaj (?:też|także)|читайте также"
    r"|関連記事|相关文章",
    re.IGNORECASE,
)
_TITLE_CHARACTERS: Final = 80
_HALF: Final = 0.5
_BETWEEN: Final = frozenset({"hr", "br", "a"})
_SEVERAL: Final = 3
_MOSTLY: Final = 0.85


def lines(root: HtmlElement) -> Iterator[HtmlElement]:
    """Blocks that only lead to the pages around: "Next: …, Up: …", "Prev | Home", in a paragraph, list or table."""
    taken: set[HtmlElement] = set()
    for element in root.iter("div", "p", "table", "ul", "ol", "center", "tr", "td", "dl", "nav", "blockquote"):
        if element.getparent() in taken:
            taken.add(element)
        elif _leads_on(element) or (element.tag == "p" and _is_short(element) and _MADE_BY.fullmatch(sample(element))):
            taken.add(element)
            yield element


def loose(root: HtmlElement) -> Iterator[TextRun]:
    """The same where no block is around the links."""
    for run in segments(root):
        if run.linked_characters and run.block.tag not in HEADINGS:
            parts = [(getattr(element, slot) or "").strip() for element, slot in run.slots]
            said = _WORD.findall(" ".join(parts)) if sum(map(len, parts)) <= _SHORT_CHARACTERS else []
            if said and all(key(word) in _NAVIGATING for word in said):
                yield run


def _leads_on(element: HtmlElement) -> bool:
    if not _is_short(element):
        return False
    links = list(element.iter("a"))
    leading = [link for link in links if _is_navigating(link) or key(words(link)) in _NAVIGATING]
    if not leading or next(element.iter("h1", "h2", "pre"), None) is not None:
        return False
    linked = {text for link in links for text in link.itertext()}
    loose = [word for text in element.itertext() if text not in linked for word in _WORD.findall(text)]
    if all(key(word) in _NAVIGATING for word in loose):  # nothing but links and the words between them
        return len(leading) > 1 or len(leading) == len(links) or bool(loose)
    return len(leading) > 1 and len(leading) == len(links)  # with the titles of the pages around


def _is_short(element: HtmlElement) -> bool:
    size = 0
    for text in element.itertext():
        size += len(text.strip())
        if size > _SHORT_CHARACTERS:
            return False
    return bool(size)


def _is_navigating(link: HtmlElement) -> bool:
    return (link.get("accesskey") or "").lower() in _KEYS or (link.get("rel") or "").lower() in _LINKS


def contents(root: HtmlElement) -> Iterator[HtmlElement]:
    """Lists whose items lead to other places of the same page, or that a heading calls contents; with that heading."""
    taken: set[HtmlElement] = set()
    for element in list(root.iter("ul", "ol", "dl", "table", "div", "p")):
        if element.getparent() in taken:
            taken.add(element)
            continue
        title = _title_before(element)
        if element.tag in {"div", "p", "table"} and title is None:
            continue
        if not _is_list_of_links(element, within=title is None):
            continue
        taken.add(element)
        yield element
        if title is not None:
            yield title


def teasers(root: HtmlElement) -> Iterator[HtmlElement]:
    """Headings like "Related articles", and what follows them if it is mostly links."""
    for heading in list(root.iter(*HEADINGS)):
        if not is_above_teasers(heading):
            continue
        below = list(itertools.takewhile(lambda one: one.tag not in HEADINGS, heading.itersiblings()))
        linked = sum(len(key(words(link))) for one in below for link in one.iter("a"))
        if linked >= _HALF * sum(len(key(words(one))) for one in below):
            yield from (heading, *below)


def is_above_teasers(heading: HtmlElement) -> bool:
    """Whether a heading says that what follows leads to other pages."""
    return _TEASER_TITLES.fullmatch(sample(heading)[:_TITLE_CHARACTERS].strip(" :.\u2026")) is not None


def _title_before(element: HtmlElement) -> HtmlElement | None:
    before = element.getprevious()
    while before is not None and (
        not isinstance(before.tag, str) or (before.tag in {"hr", "br", "a"} and not words(before))
    ):
        before = before.getprevious()
    if before is None or not isinstance(before.tag, str):
        return None
    text = words(before)
    return before if len(text) < 60 and _CONTENTS_TITLES.fullmatch(text.strip(" :.")) else None  # noqa: PLR2004 - a heading


def _is_list_of_links(element: HtmlElement, *, within: bool) -> bool:
    links = [link for link in element.iter("a") if link.get("href")]
    if len(links) < _SEVERAL:
        return False
    if within and not all((link.get("href") or "").startswith("#") for link in links):
        return False
    linked = sum(len(key(words(link))) for link in links)
    return linked >= _MOSTLY * max(1, len(key(words(element))))
