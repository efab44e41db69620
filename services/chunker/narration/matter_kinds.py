"""The kinds of front and back matter: how markup names them, and what their titles are in eleven languages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Area = Literal["front_matter", "back_matter"]


@dataclass(frozen=True, slots=True)
class Matter:
    """A kind of matter.

    Attributes:
        name: in the list of omissions.
        reason: why it is not read.
        area: which choice of `Narration` decides.
        marks: how epub:type, the guide of EPUB 2, ARIA and DocBook's classes name it.
        titles: as `key` makes them.
        limit_characters: a longer part with such a title is something else; None: no limit.
        is_list: whether it consists of short lines.
    """

    name: str
    reason: str
    area: Area
    marks: frozenset[str]
    titles: frozenset[str]
    limit_characters: int | None = None
    is_list: bool = False


def key(title: str) -> str:
    """A title without case, numbering and punctuation."""
    bare = _NUMBERING.sub("", " ".join(title[:200].casefold().split()), count=1)
    return _EDGES.sub("", bare)


_NUMBERING: Final = re.compile(
    r"^(?:(?:appendix|anhang|annexe|ap\u00e9ndice|appendice|ap\u00eandice|bijlage|dodatek"
    r"|\u043f\u0440\u0438\u043b\u043e\u0436\u0435\u043d\u0438\u0435|bilaga|chapter|kapitel|chapitre)"
    r"[ .:]{0,3}(?:[a-z]|\d{1,3}|[ivxlc]{1,6})?|(?:[a-z]|\d{1,3})(?:\.\d{1,3}){0,5})[ .:)\u2014\u2013-]{1,4}"
)  # fmt: skip
_EDGES: Final = re.compile(r"^[\W_]+|[\W_]+$")


def _titles(text: str) -> frozenset[str]:
    return frozenset(key(part) for part in text.split("|"))


MATTERS: Final = (
    Matter(
        "title page",
        "title and author are announced by the player",
        "front_matter",
        frozenset({"titlepage", "title-page", "halftitlepage", "halftitle", "cover", "seriespage", "imprimatur"}),
        _titles(
            "title page|title|half title|cover|front cover|titelseite|titelblatt|umschlag|schmutztitel"
            "|page de titre|couverture|portada|portadilla|cubierta|frontespizio|copertina|folha de rosto|capa"
            "|titelpagina|omslag|strona tytu\u0142owa|ok\u0142adka"
            "|\u0442\u0438\u0442\u0443\u043b\u044c\u043d\u044b\u0439 \u043b\u0438\u0441\u0442"
            "|\u043e\u0431\u043b\u043e\u0436\u043a\u0430|titelsida|\u8868\u7d19|\u6249|\u5c01\u9762"
            "|\u6249\u9875"
        ),
        limit_characters=1_000,
    ),
    Matter(
        "copyright page",
        "a copyright page is for reference, not for listening",
        "front_matter",
        frozenset({"copyright-page", "copyright", "imprint"}),
        _titles(
            "copyright|copyright page|copyright notice|copyright information|copyrights|imprint|legal notice"
            "|legal notices|impressum|rechtliche hinweise|rechtlicher hinweis|urheberrecht"
            "|mentions l\u00e9gales|droits d\u2019auteur|droits d'auteur|aviso legal|derechos de autor"
            "|cr\u00e9ditos|nota legale|diritti d'autore|direitos autorais|ficha t\u00e9cnica|nota copyright"
            "|prawa autorskie|strona redakcyjna"
            "|\u0432\u044b\u0445\u043e\u0434\u043d\u044b\u0435 \u0434\u0430\u043d\u043d\u044b\u0435"
            "|\u0430\u0432\u0442\u043e\u0440\u0441\u043a\u0438\u0435 \u043f\u0440\u0430\u0432\u0430"
            "|upphovsr\u00e4tt|\u5965\u4ed8|\u8457\u4f5c\u6a29|\u7248\u6743|\u7248\u6743\u9875"
            "|\u7248\u6743\u4fe1\u606f|copyright \u9875"
        ),
        limit_characters=8_000,
    ),
    Matter(
        "contents",
        "a table of contents is for turning pages",
        "front_matter",
        frozenset({"toc", "toc-brief", "contents", "landmarks", "page-list"}),
        _titles(
            "contents|table of contents|brief contents|inhalt|inhaltsverzeichnis|inhalts\u00fcbersicht"
            "|table des mati\u00e8res|sommaire|contenido|contenidos|tabla de contenidos|\u00edndice general"
            "|\u00edndice|indice|indice generale|sommario|sum\u00e1rio|conte\u00fado|inhoud|inhoudsopgave"
            "|spis tre\u015bci|\u0441\u043e\u0434\u0435\u0440\u0436\u0430\u043d\u0438\u0435"
            "|\u043e\u0433\u043b\u0430\u0432\u043b\u0435\u043d\u0438\u0435|inneh\u00e5ll"
            "|inneh\u00e5llsf\u00f6rteckning|\u76ee\u6b21|\u3082\u304f\u3058|\u76ee\u5f55|\u76ee\u9304"
        ),
        is_list=True,
    ),
    Matter(
        "list of figures",
        "a list of figures or tables is for turning pages",
        "front_matter",
        frozenset({"loi", "lot", "loa", "lov"}),
        _titles(
            "list of figures|list of tables|list of illustrations|list of examples|illustrations|figures|tables"
            "|abbildungsverzeichnis|tabellenverzeichnis|verzeichnis der abbildungen|liste des figures"
            "|liste des tableaux|table des illustrations|lista de figuras|lista de tablas|lista de tabelas"
            "|elenco delle figure|elenco delle tabelle|lijst van figuren|lijst van tabellen|spis rysunk\u00f3w"
            "|spis tabel"
            "|\u0441\u043f\u0438\u0441\u043e\u043a \u0438\u043b\u043b\u044e\u0441\u0442\u0440\u0430\u0446\u0438\u0439"
            "|\u0441\u043f\u0438\u0441\u043e\u043a \u0442\u0430\u0431\u043b\u0438\u0446|\u56f3\u76ee\u6b21"
            "|\u8868\u76ee\u6b21|\u56fe\u76ee\u5f55|\u8868\u76ee\u5f55|lista \u00f6ver figurer"
            "|lista de ilustraciones"
        ),
        is_list=True,
    ),
    Matter(
        "index",
        "an index is for looking things up",
        "back_matter",
        frozenset({"index", "index-group", "genindex"}),
        _titles(
            "index|general index|subject index|index of names|stichwortverzeichnis|sachverzeichnis|sachregister"
            "|register|stichwortregister|personenregister|index alphab\u00e9tique|index g\u00e9n\u00e9ral"
            "|\u00edndice alfab\u00e9tico|\u00edndice anal\u00edtico|\u00edndice de materias"
            "|\u00edndice onom\u00e1stico|indice analitico|indice dei nomi|\u00edndice remissivo"
            "|trefwoordenregister|indeks|skorowidz"
            "|\u0430\u043b\u0444\u0430\u0432\u0438\u0442\u043d\u044b\u0439 "
            "\u0443\u043a\u0430\u0437\u0430\u0442\u0435\u043b\u044c"
            "|\u043f\u0440\u0435\u0434\u043c\u0435\u0442\u043d\u044b\u0439 "
            "\u0443\u043a\u0430\u0437\u0430\u0442\u0435\u043b\u044c"
            "|sakregister|\u7d22\u5f15|\u00edndice|indice"
        ),
        is_list=True,
    ),
    Matter(
        "bibliography",
        "a bibliography is for looking things up",
        "back_matter",
        frozenset({"bibliography", "biblio-group"}),
        _titles(
            "bibliography|works cited|references|literature cited|select bibliography|literaturverzeichnis"
            "|literatur|quellenverzeichnis|literaturverzeichnis und referenzen|einzelnachweise"
            "|quellen- und literaturverzeichnis"
            "|references and further reading|bibliography and references|bibliographie|r\u00e9f\u00e9rences"
            "|r\u00e9f\u00e9rences bibliographiques|bibliograf\u00eda|referencias|bibliografia"
            "|riferimenti bibliografici|refer\u00eancias|refer\u00eancias bibliogr\u00e1ficas|bibliografie"
            "|literatuurlijst|literatura|\u043b\u0438\u0442\u0435\u0440\u0430\u0442\u0443\u0440\u0430"
            "|\u0431\u0438\u0431\u043b\u0438\u043e\u0433\u0440\u0430\u0444\u0438\u044f"
            "|\u0441\u043f\u0438\u0441\u043e\u043a \u043b\u0438\u0442\u0435\u0440\u0430\u0442\u0443\u0440\u044b"
            "|referenser|k\u00e4llf\u00f6rteckning|litteraturf\u00f6rteckning|\u53c2\u8003\u6587\u732e"
            "|\u53c2\u8003\u8cc7\u6599"
        ),
    ),
    Matter(
        "licence",
        "a licence is a text for lawyers",
        "back_matter",
        frozenset({"legalnotice", "license"}),
        _titles(
            "license|licence|licensing|license agreement|software license|lizenz|lizenzen|lizenzbestimmungen"
            "|licencia|licencias|licenza|licen\u00e7a|licentie|licencja"
            "|\u043b\u0438\u0446\u0435\u043d\u0437\u0438\u044f|licens|\u30e9\u30a4\u30bb\u30f3\u30b9"
            "|\u8bb8\u53ef\u8bc1|\u8a31\u53ef\u8b49|\u4f7f\u7528\u8a31\u8afe|gpl|gfdl"
            "|the gnu public license|the gnu general public license"
            "|gnu general public license|gnu free documentation license|gnu lesser general public license"
            "|the project gutenberg license|full license|licence publique g\u00e9n\u00e9rale gnu"
            "|gnu-lizenz f\u00fcr freie dokumentation"
        ),
    ),
    Matter(
        "colophon",
        "a colophon is about the making of the book",
        "back_matter",
        frozenset({"colophon"}),
        _titles(
            "colophon|metadata|sisu metadata, document information|document metadata"
            "|kolophon|colof\u00f3n|colofon|kolofon|colof\u00e3o|achev\u00e9 d'imprimer"
            "|\u043a\u043e\u043b\u043e\u0444\u043e\u043d"
        ),
        limit_characters=4_000,
    ),
    Matter(
        "links",
        "a list of links is for clicking",
        "back_matter",
        frozenset(),
        _titles(
            "external links|see also|further reading|related links|weblinks|siehe auch|liens externes"
            "|voir aussi|enlaces externos|v\u00e9ase tambi\u00e9n|collegamenti esterni|voci correlate"
            "|liga\u00e7\u00f5es externas|ver tamb\u00e9m|externe links|zie ook|linki zewn\u0119trzne"
            "|\u0441\u0441\u044b\u043b\u043a\u0438|\u0441\u043c. \u0442\u0430\u043a\u0436\u0435|externa l\u00e4nkar"
        ),
        limit_characters=6_000,
        is_list=True,
    ),
    Matter(
        "addresses",
        "addresses of authors are for writing to them",
        "back_matter",
        frozenset({"addresses"}),
        _titles("authors' addresses|author's address|authors\u2019 addresses|author\u2019s address"),
        limit_characters=4_000,
    ),
)  # fmt: skip
BY_NAME: Final = {matter.name: matter for matter in MATTERS}
_BY_MARK: Final = {mark: matter.name for matter in MATTERS for mark in matter.marks}
_NOT_FROM_CLASSES: Final = frozenset({"titlepage", "cover", "copyright", "license"})
"""DocBook has a `titlepage` around every title, a `copyright` around a line."""


def of(kinds: Iterable[str]) -> str:
    """The name of the matter that an element is, by its classes and roles; "" if it is none or not known."""
    stated = {kind.removeprefix("doc-") for kind in kinds}
    if "section" not in stated:
        stated -= _NOT_FROM_CLASSES
    return next((name for mark, name in _BY_MARK.items() if mark in stated), "")


def of_page(kind: str) -> str:
    """The same for what a book says of a page."""
    return _BY_MARK.get(kind.removeprefix("doc-"), "")
