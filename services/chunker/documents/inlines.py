"""The inline nodes of pandoc's tree: which words of a line are spoken."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from services.chunker.documents import reasons
from services.chunker.documents.document import Omissions
from services.chunker.documents.plain_text import join_lines
from shared.protocol.narration import Narration

Node = dict[str, Any]

_MARK = re.compile(
    r"[\[({]?(?:\d{1,4}|[a-zA-Z]|[ivxlc]{1,6}|[*\u2020\u2021\u00a7\u00b6#]{1,3}|\u2191|\u21a9\ufe0e?)[\])}]?"
)
"""What a link to a note, or back from it, looks like without white space: 1, [12], *, \u2020, \u21a9."""

_SUPERSCRIPT = str.maketrans(
    "0123456789+-=()n",
    "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207a\u207b\u207c\u207d\u207e\u207f",
)
_ORDINALS = frozenset({"st", "nd", "rd", "th", "er", "re", "e", "o", "a"})
_TEX = re.compile(r"[\\^_{}]")
_LINE_BREAKS = re.compile(r"<br\s*/?>|</?(?:p|div|li|hr)\b", re.IGNORECASE)

_EXTERNAL = re.compile(r"(?:https?|ftp|mailto):", re.IGNORECASE)
_TARGET = re.compile(r"\s*<[^<>]*>$")
_OF_WIKI = re.compile(
    r"(?:category|kategorie|cat\u00e9gorie|categor\u00eda|categoria|categorie|kategoria"
    r"|\u043a\u0430\u0442\u0435\u0433\u043e\u0440\u0438\u044f|[a-z]{2,3}(?:-[a-z]{2,8})?):\S",
    re.IGNORECASE,
)
"""What a link in a wiki leads to that stands in no sentence: a category, or the same page in another language."""
_SUBSTITUTION = "##SUBST##"
"""How pandoc marks a substitution that the document does not define."""


class Inlines:
    """Makes text of inline nodes.

    Args:
        omissions: collects what is left out.
        on_anchor: called with the name of every anchor inside the text.
        narration: which kinds of content are read.
        notes: id → note that stands elsewhere.

    Attributes:
        notes_to_read: those that the text has referred to, in order; whoever reads them takes them out.
    """

    def __init__(
        self,
        omissions: Omissions,
        on_anchor: Callable[[str], None],
        narration: Narration,
        notes: dict[str, list[Node]],
    ) -> None:
        self.notes_to_read: list[list[Node]] = []
        self._omissions = omissions
        self._on_anchor = on_anchor
        self._narration = narration
        self._notes = notes
        self._referred: set[str] = set()

    def has_read(self, note: str) -> bool:
        """Whether the note with this id was read where it is referred to."""
        return note in self._referred

    def text(self, nodes: list[Node]) -> str:
        """The words of a block, on one line."""
        return join_lines(self._inside(nodes))

    def _text(self, node: Node) -> str:  # noqa: C901, PLR0911, PLR0912 - a line a node type
        content: Any = node.get("c")
        match node["t"]:
            case "Str":
                return str(content)
            case "Space":
                return " "
            case "SoftBreak" | "LineBreak":
                return "\n"
            case "Emph" | "Strong" | "Underline" | "Strikeout" | "SmallCaps" | "Subscript":
                return self._inside(content)
            case "Superscript":
                return _superscript(self._inside(content))
            case "Quoted":
                kind, inside = content
                marks = "\u2018\u2019" if kind["t"] == "SingleQuote" else "\u201c\u201d"
                return f"{marks[0]}{self._inside(inside)}{marks[1]}"
            case "Cite":
                return self._inside(content[1])
            case "Code":
                return _role(content[0], str(content[1]))  # a word of the sentence: "run `make` first"
            case "Span":
                return self._span(content)
            case "Link":
                return self._link(content)
            case "Math":
                return self._math(str(content[1]))
            case "Note":
                self._note(content)
            case "Image":
                return self._image(plain(content[1]))
            case "RawInline":
                return self._raw(str(content[0]), str(content[1]))
        return ""

    def _inside(self, nodes: list[Node]) -> str:
        parts: list[str] = []
        raised_from: int | None = None  # where a <sup> in the Markdown text began
        for node in nodes:
            tag = str(node["c"][1]).lower() if node["t"] == "RawInline" else ""
            if tag == "<sup>":
                raised_from = len(parts)
            elif tag == "</sup>" and raised_from is not None:
                parts[raised_from:] = [_superscript("".join(parts[raised_from:]))]
                raised_from = None
            else:
                parts.append(self._text(node))
        return "".join(parts)

    def _span(self, content: list[Any]) -> str:
        (name, classes, _), nodes = content
        if name:
            self._on_anchor(name)
        if "math" in classes:  # what pandoc makes of MathML
            return self._math(plain(nodes), is_tex=any(node["t"] not in {"Str", "Space", "Emph"} for node in nodes))
        return self._inside(nodes)

    def _link(self, content: list[Any]) -> str:
        (name, classes, attributes), nodes, (target, _) = content
        if name:
            self._on_anchor(name)
        words = plain(nodes)
        if "wikilink" in classes and words == target and _OF_WIKI.match(target):
            self._omissions.add("page furniture", reasons.NAVIGATION, words)
            return ""
        if target.startswith(_SUBSTITUTION):
            return words.strip("|")
        role = dict(attributes).get("role", "")
        if role in {"doc-noteref", "doc-backlink"} or ("#" in target and _MARK.fullmatch("".join(words.split()))):
            self._refer(target.partition("#")[2], words)
            return ""
        text = self._inside(nodes)
        if self._narration.links == "address" and _EXTERNAL.match(target) and target not in text:
            return f"{text} ({target})"
        return text

    def _refer(self, note: str, mark: str) -> None:
        """A mark is not read; the note is, where it stands elsewhere."""
        if note not in self._notes:
            self._omissions.add("footnote mark", reasons.FOOTNOTE, mark)
        elif note not in self._referred:
            self._referred.add(note)
            self.notes_to_read.append(self._notes[note])

    def _note(self, blocks: list[Node]) -> None:
        if self._narration.reads("notes"):
            self.notes_to_read.append(blocks)
        else:
            self._omissions.add("footnote", reasons.FOOTNOTE, plain(blocks))

    def _image(self, alt: str) -> str:
        if alt.strip() and self._narration.reads("alt_texts"):
            return f" {alt} "
        self._omissions.add("image", reasons.IMAGE, alt)
        return ""

    def _math(self, formula: str, *, is_tex: bool = False) -> str:
        if is_tex or _TEX.search(formula):
            self._omissions.add("math", reasons.MATH, formula)
            return ""
        return formula  # "n", or an amount between two dollar signs

    def _raw(self, format: str, markup: str) -> str:  # noqa: A002 - pandoc's name for it
        if format == "html" and markup.lower().startswith("<img"):
            self._omissions.add("image", reasons.IMAGE, markup)
            return ""
        if format == "html" and markup.startswith("<"):
            return "\n" if _LINE_BREAKS.match(markup) else ""  # the words between two tags are nodes of their own
        self._omissions.add("raw", reasons.RAW, markup)
        return ""


def _role(attributes: list[Any], text: str) -> str:
    """What a role of reStructuredText shows: of `words <target>` the words, of `~os.path.join` the last name."""
    if "interpreted-text" not in attributes[1]:
        return text
    words = _TARGET.sub("", text).lstrip("!") or text
    return words.rpartition(".")[2] if words.startswith("~") else words


def _superscript(text: str) -> str:
    """Keep an exponent from running into its base: 10\u2076, not 106. Ordinals (1st) stay letters."""
    if text and text.lower() not in _ORDINALS and all(ord(character) in _SUPERSCRIPT for character in text):
        return text.translate(_SUPERSCRIPT)
    return text


def plain(nodes: Any, *, pictures: bool = True) -> str:
    """All the words under some nodes, for recognition and for samples; omissions are not counted.

    Args:
        nodes: of pandoc's tree.
        pictures: whether what stands for a picture counts.
    """
    if isinstance(nodes, dict):
        kind: Any = nodes.get("t")
        content: Any = nodes.get("c")
        if kind in {"Space", "SoftBreak", "LineBreak"}:
            return " "
        if kind in {"Link", "Image"}:  # not where it leads
            content = content[1] if pictures or kind == "Link" else ""
        return plain(content, pictures=pictures) + (" " if kind in {"Plain", "Para", "Header"} else "")
    if isinstance(nodes, list):
        # An attribute ("id", [classes], [pairs]) is not text.
        if len(nodes) == 3 and isinstance(nodes[0], str) and isinstance(nodes[1], list):  # noqa: PLR2004 - as it says
            return ""
        return "".join(plain(each, pictures=pictures) for each in nodes)
    return nodes if isinstance(nodes, str) else ""
