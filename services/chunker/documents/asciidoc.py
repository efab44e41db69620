"""What AsciiDoc's preprocessor does and pandoc does not: conditions are evaluated, attributes are replaced.

ifdef::env-github[]        what follows is for another place than this; `ifndef` and `ifeval` likewise
endif::[]
include::other.adoc[]      a document may fetch nothing, not even a file beside it
"""

from __future__ import annotations

import re
from typing import Final

_DIRECTIVE: Final = re.compile(r"(ifdef|ifndef|ifeval|endif|include)::([^\[\]]{0,300})\[([^\n]{0,500})\][ \t]*")
_ATTRIBUTE: Final = re.compile(r":(!?[\w-]{1,100}!?):(?:[ \t]+([^\n]{0,2000}))?")
_REFERENCE: Final = re.compile(r"\{([\w-]{1,100})\}")
_COMMENT: Final = re.compile(r"//(?!/)")
_MACRO: Final = re.compile(r"\b(?:button|btn|kbd|menu):\[([^\[\]\n]{0,200})\]|\bicon:[\w-]{1,50}\[[^\[\]\n]{0,200}\]")
_LINK: Final = re.compile(r"\b(?:https?|link):[^\s\[\]<>]{1,500}\[([^\[\]=\n]{0,400})\]")
"""Those whose words have a comma or a full stop in them are not kept as links: pandoc would drop what follows it."""
_GROWTH_LIMIT_CHARACTERS: Final = 1_000_000
"""How much longer a document may become by its own attributes."""
_OF_PANDOC: Final = frozenset({"author", "authors", "email", "lang", "doctitle", "revdate", "subtitle"})
_SEPARATORS: Final = re.compile(r"[,+]")


def without_directives(text: str) -> tuple[str, tuple[str, ...]]:
    """The text as its reader sees it, and the directives of which something is not read.

    Args:
        text: an AsciiDoc document.
    """
    reader = _Reader()
    for line in text.split("\n"):
        directive = _DIRECTIVE.fullmatch(line.rstrip("\r")) if "::" in line[:12] else None
        if directive is None:
            reader.read_line(line)
        else:
            reader.read_directive(line.strip(), *directive.groups())
    return "\n".join(reader.kept) + "\n", tuple(reader.left_out)


def _as_pandoc_reads_it(link: re.Match[str]) -> str:
    return link[1] if "," in link[1] or "." in link[1] else link[0]


class _Reader:
    """Goes through a document line by line."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.left_out: list[str] = []
        self._values = _Values()
        self._shown = [True]  # one for each condition that is open

    def read_line(self, line: str) -> None:
        """A line that is no directive."""
        if self._shown[-1] and not _COMMENT.match(line) and not self._values.takes(line):
            self.kept.append(self._values.put_into(line))

    def read_directive(self, line: str, name: str, target: str, inside: str) -> None:
        """A directive: its name, what it is about, and what stands in its brackets."""
        if name == "endif":
            self._shown = self._shown[: max(1, len(self._shown) - 1)]
        elif name == "include":
            if self._shown[-1]:
                self.left_out.append(line)
                self.kept.append("")
        else:
            is_true = self._shown[-1] and name != "ifeval" and self._values.hold(name, target)
            if not is_true and self._shown[-1]:
                self.left_out.append(line)
            if inside and name != "ifeval":
                self.kept += [inside] if is_true else []
            else:
                self._shown.append(is_true)


class _Values:
    """The values that a document has given names so far."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._left = _GROWTH_LIMIT_CHARACTERS

    def takes(self, line: str) -> bool:
        """Whether a line names a value; what pandoc makes use of, such as the author, stays in the text."""
        found = _ATTRIBUTE.fullmatch(line.rstrip("\r"))
        if found is None:
            return False
        name = found[1]
        if "!" in name:
            self._known.pop(name.strip("!"), None)
        else:
            self._known[name] = self.put_into((found[2] or "").strip())
        return name not in _OF_PANDOC

    def put_into(self, line: str) -> str:
        """A line with values in place of their names, and keys and buttons as words."""
        if "{" in line:
            line = _REFERENCE.sub(self._value, line)
        return _MACRO.sub(lambda macro: macro[1] or "", _LINK.sub(_as_pandoc_reads_it, line)) if ":" in line else line

    def _value(self, reference: re.Match[str]) -> str:
        value = self._known.get(reference[1])
        if value is None or len(value) > self._left:
            return reference[0]
        self._left -= len(value)
        return value

    def hold(self, name: str, target: str) -> bool:
        """Whether the condition `name` is true of the names in `target`."""
        found = [part.strip() in self._known for part in _SEPARATORS.split(target)]
        is_defined = all(found) if "+" in target else any(found)
        return is_defined == (name == "ifdef")
