"""What of pandoc's tree leads to other places and is no text: lists of links to sections, rows of Prev and Next."""

from __future__ import annotations

import re
from typing import Any, Final

from services.chunker.documents.inlines import Node, plain

_FEWEST_LINKS: Final = 3
"""Fewer links to sections in a row are a remark, not a table of contents."""
_INTERNAL: Final = re.compile(r"#.*|[^:/?#]*\.x?html?(?:#.*)?", re.IGNORECASE | re.DOTALL)
_NUMBERING: Final = re.compile(r"[\W\d_]*(?:[A-Z]|[IVXLC]{1,7}|[ivxlc]{1,7})?[\W\d_]*")
_BLANKS: Final = frozenset({"Space", "SoftBreak", "LineBreak"})
_WORDS: Final = frozenset(
    (  # noqa: SIM905 - a list would take a page
        "prev previous next up home top back contents index start end first last zur\u00fcck weiter vor hoch "
        "n\u00e4chste n\u00e4chster n\u00e4chstes vorherige vorheriger vorheriges oben inhalt anfang "
        "startseite pr\u00e9c\u00e9dent suivant haut sommaire accueil retour anterior siguiente subir inicio "
        "\u00edndice arriba precedente successivo indietro avanti su indice inizio pr\u00f3ximo seguinte "
        "acima in\u00edcio vorige volgende omhoog omlaag begin poprzedni nast\u0119pny dalej wstecz "
        "\u043d\u0430\u0437\u0430\u0434 \u0434\u0430\u043b\u0435\u0435 \u0432\u043f\u0435\u0440\u0451\u0434 "
        "\u0432\u0432\u0435\u0440\u0445 \u043f\u0440\u0435\u0434. \u0441\u043b\u0435\u0434. "
        "\u043f\u0440\u0435\u0434\u044b\u0434\u0443\u0449\u0438\u0439 "
        "\u0441\u043b\u0435\u0434\u0443\u044e\u0449\u0438\u0439 \u043d\u0430\u0447\u0430\u043b\u043e "
        "\u524d\u3078 \u6b21\u3078 \u76ee\u6b21 \u30db\u30fc\u30e0 \u4e0a\u4e00\u9875 \u4e0b\u4e00\u9875 "
        "\u4e0a\u4e00\u7ae0 \u4e0b\u4e00\u7ae0 \u76ee\u5f55"
    ).split()
)
_EDGES: Final = re.compile(r"^[\W_]+|[\W_]+$")


def is_contents(nodes: list[Node]) -> bool:
    """Whether nodes are a table of contents: at least three links to sections, and nothing else but their numbers."""
    links = _links(nodes)
    return links is not None and links >= _FEWEST_LINKS


def is_link_to_section(node: Node) -> bool:
    """Whether a paragraph is a link to a section alone; several in a row are a table of contents."""
    return node["t"] in {"Para", "Plain", "Header"} and _links([node]) == 1


def is_row_of_links(nodes: list[Node]) -> bool:
    """Whether inline nodes are links such as Prev and Next, and nothing else but signs between them."""
    found = 0
    for node in nodes:
        if node["t"] == "Link":
            words = _EDGES.sub("", " ".join(plain(node["c"][1]).split()).casefold())
            if words and words not in _WORDS:
                return False
            found += bool(words)
        elif node["t"] == "Str":
            if not _NUMBERING.fullmatch(str(node["c"])):
                return False
        elif node["t"] not in _BLANKS:
            return False
    return found > 0


def _links(node: Any) -> int | None:  # noqa: C901, PLR0911 - one case a node type
    """How many links to sections are in a list of nodes; None if there is something else."""
    if isinstance(node, list):
        total = 0
        for each in node:
            found = _links(each)
            if found is None:
                return None
            total += found
        return total
    if not isinstance(node, dict):
        return None
    content: Any = node.get("c")
    match node.get("t"):
        case "Link":
            return 1 if _INTERNAL.fullmatch(str(content[2][0])) else None
        case "Space" | "SoftBreak" | "LineBreak":
            return 0
        case "Str":
            return 0 if _NUMBERING.fullmatch(str(content)) else None
        case "Para" | "Plain" | "BulletList" | "Emph" | "Strong":
            return _links(content)
        case "OrderedList" | "Span" | "Div":
            return _links(content[1])
        case "Header":
            return _links(content[2])
        case "DefinitionList":
            return _links([part for term, definitions in content for part in (term, definitions)])
    return None
