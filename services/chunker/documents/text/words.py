"""The words that begin a chapter or name a part of a book, in the languages that texts are written in."""

from __future__ import annotations

from typing import Final


def _words(*languages: str) -> frozenset[str]:
    return frozenset(word.strip() for words in languages for word in words.split(","))


CHAPTER: Final = _words(
    "chapter, part, book, volume, section, appendix, act, scene, letter, canto, lecture, lesson",
    "kapitel, teil, buch, band, abschnitt, anhang, akt, szene, brief, aufzug, auftritt",
    "chapitre, partie, livre, tome, annexe, appendice, acte, scène, lettre, chant",
    "capítulo, parte, libro, tomo, sección, apéndice, anexo, acto, escena, carta",
    "capitolo, sezione, allegato, atto, scena, lettera",
    "livro, seção, secção, apêndice, ato, cena",
    "hoofdstuk, deel, boek, bijlage, afdeling, bedrijf, toneel",
    "глава, часть, книга, том, раздел, приложение, действие, явление",
    "rozdział, część, księga, dodatek",
    "kapitlet, bok, bilaga, avsnitt, del, kapittel",
)
"""Followed by a number they begin a chapter."""

ORDINALS: Final = _words(
    "one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, thirteen, fourteen, fifteen",
    "sixteen, seventeen, eighteen, nineteen, twenty, first, second, third, fourth, fifth, sixth, seventh, eighth",
    "ninth, tenth, eleventh, twelfth, last",
    "eins, zwei, drei, vier, fünf, sechs, sieben, acht, neun, zehn, elf, zwölf, erstes, zweites, drittes, viertes",
    "fünftes, sechstes, siebentes, siebtes, achtes, neuntes, zehntes, elftes, zwölftes, letztes, erster, zweiter",
    "dritter, vierter, fünfter, erste, zweite, dritte, vierte, fünfte",
    "premier, première, deuxième, second, seconde, troisième, quatrième, cinquième, sixième, septième, huitième",
    "neuvième, dixième, onzième, douzième, un, deux, trois, quatre, cinq",
    "primero, primera, segundo, segunda, tercero, tercera, cuarto, cuarta, quinto, quinta, sexto, sexta, séptimo",
    "octavo, noveno, décimo, uno, dos, tres, cuatro, cinco, seis, siete, ocho, nueve, diez",
    "primo, prima, secondo, seconda, terzo, terza, quarto, quarta, sesto, settimo, ottavo, nono, decimo",
    "primeiro, primeira, terceiro, terceira, sétimo, oitavo",
    "eerste, tweede, derde, vierde, vijfde, zesde, zevende, achtste, negende, tiende, een, twee, drie, vijf",
    "первая, вторая, третья, четвёртая, четвертая, пятая, шестая, седьмая, восьмая, девятая, десятая",
    "первый, второй, третий, четвёртый, четвертый",
)
"""Numbers as words, before or after the word for a chapter."""

NAMED: Final = _words(
    "abstract, acknowledgements, acknowledgments, afterword, conclusion, conclusions, dedication, epilogue",
    "foreword, introduction, postscript, preface, prologue, summary",
    "danksagung, einführung, einleitung, epilog, geleitwort, nachwort, prolog, schluss, schluß, vorrede, vorwort",
    "widmung, zusammenfassung",
    "avant-propos, avertissement, préambule, préface, épilogue, postface, résumé, remerciements",
    "agradecimientos, conclusión, dedicatoria, epílogo, introducción, prefacio, prólogo, resumen",
    "introduzione, prefazione, prologo, epilogo, conclusione, ringraziamenti",
    "introdução, prefácio, conclusão, resumo",
    "inleiding, voorwoord, nawoord, proloog, epiloog, samenvatting",
    "введение, предисловие, пролог, эпилог, послесловие, аннотация, заключение",
)
"""Parts of a book that have a name instead of a number: alone on a line they are headings."""

CONTENTS: Final = _words(
    "contents, table of contents",
    "inhalt, inhaltsverzeichnis",
    "table des matières, sommaire",
    "índice, índice general, tabla de contenidos, tabla de contenido, contenido",
    "indice, indice generale, sommario, indice dei contenuti",
    "sumário, conteúdo",
    "inhoud, inhoudsopgave",
    "оглавление, содержание",
    "spis treści, obsah, innehåll, innehållsförteckning, indhold, innhold, indholdsfortegnelse, sisällys, cuprins",
    "目次, 目录, 目錄, 차례, 목차",
)
"""What stands over a table of contents."""

LISTS: Final = _words(
    "list of tables, list of figures, list of examples",
    "tabellenverzeichnis, abbildungsverzeichnis, verzeichnis der tabellen",
    "liste des tableaux, lista de tablas, elenco delle tabelle, lista de tabelas, lijst van tabellen, список таблиц",
)
"""What stands over a list of tables or figures, which follows the contents."""
