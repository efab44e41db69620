"""Boxes: blocks that say by their class what they are, such as notes, figures, title pages and directives. Pure."""

from __future__ import annotations

from typing import Final

from services.chunker.documents import reasons
from services.chunker.documents.inlines import Node, plain
from services.chunker.narration import matter_kinds
from shared.protocol.narration import Narration

ADMONITIONS: Final = frozenset(
    {"note", "tip", "warning", "caution", "important", "admonition", "attention", "hint", "danger"}
)
_LABEL_LIMIT_WORDS: Final = 3
FORMAL: Final = frozenset({"figure", "table", "example", "equation"})
_OF_TITLE_PAGE: Final = frozenset(
    {"author", "authorgroup", "editor", "othercredit", "affiliation", "revhistory", "legalnotice"}
)
"""What DocBook puts on a title page beside title and abstract."""
_DIRECTIVE: Final = "a directive for the tool that builds the documentation"
_DIRECTIVES: Final = frozenset(
    {
        "toctree", "index", "automodule", "autoclass", "autofunction", "automethod", "autosummary", "currentmodule",
        "module", "py:module", "py:currentmodule", "sectionauthor", "moduleauthor", "codeauthor", "literalinclude",
        "highlight", "tabularcolumns", "graphviz", "plot", "testsetup", "testcleanup", "doctest", "productionlist",
        "inheritance-diagram", "program-output", "argparse", "click", "default-role", "meta",
    }
)  # fmt: skip
"""What Sphinx makes something else of; pandoc keeps the arguments as if they were text."""


def left_out(
    kinds: set[str], nodes: list[Node], narration: Narration, *, is_in_title_page: bool
) -> tuple[str, str, str] | None:
    """Kind, reason and words of a box that says itself that it is not for reading; None if it is for reading.

    Args:
        kinds: what its classes call it.
        nodes: what is in it.
        narration: which kinds of content are read.
        is_in_title_page: whether it is part of a title page.
    """
    directive = kinds & _DIRECTIVES
    if any(node["t"] == "CodeBlock" or _is_preformatted(node) for node in nodes):
        directive -= {"highlight"}  # in HTML it is what code stands in
    if directive and not kinds & {"section", "chapter"}:
        if "index" in directive and any(node["t"] in {"Div", "Header", "DefinitionList"} for node in nodes):
            return "index", matter_kinds.BY_NAME["index"].reason, plain(nodes)
        return "directive", _DIRECTIVE, f"{min(directive)}: {plain(nodes)}"
    if narration.reads("front_matter"):
        return None
    if is_in_title_page and kinds & _OF_TITLE_PAGE:
        return "title page", matter_kinds.BY_NAME["title page"].reason, plain(nodes)
    return ("contents", reasons.CONTENTS, plain(nodes)) if "doc-toc" in kinds else None


def is_content(node: Node) -> bool:
    """Whether it is what a figure, table or example of DocBook is about, and not its title."""
    return node["t"] == "Div" and any(name.endswith("-contents") and name[:-9] in FORMAL for name in node["c"][0][1])


def _is_preformatted(node: Node) -> bool:
    """Whether a block holds nothing but code."""
    return node["t"] == "Div" and bool(node["c"][1]) and all(inside["t"] == "CodeBlock" for inside in node["c"][1])


def with_label(nodes: list[Node]) -> list[Node]:
    """The blocks of a box with its label ("Note") before its first paragraph, if it stands alone."""
    if len(nodes) < 2:  # noqa: PLR2004 - a label and what it is about
        return nodes
    label, first = nodes[0], nodes[1]
    if label["t"] == "Div" and len(label["c"][1]) == 1:
        label = label["c"][1][0]
    if label["t"] not in {"Para", "Plain", "Header"} or first["t"] not in {"Para", "Plain"}:
        return nodes
    words = plain(label["c"][2] if label["t"] == "Header" else label["c"]).split()
    if not 0 < len(words) <= _LABEL_LIMIT_WORDS:
        return nodes
    said = " ".join(words).rstrip(":.") + ":"
    return [{"t": first["t"], "c": [{"t": "Str", "c": said}, {"t": "Space"}, *first["c"]]}, *nodes[2:]]
