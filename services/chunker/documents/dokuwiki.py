"""What DokuWiki does with its markup and pandoc does not.

~~NOTOC~~, {{rss>…}}       macros and what plugins put into a page: nothing of it is text
[[page|{{picture.png}}]]   a picture as the text of a link: pandoc takes it for words
%% text %%                 pandoc knows it only without white space at its ends
<php>…</php>               shown as code, as a wiki that does not run it does

What stands in code and other text that is shown as it is stays untouched.
"""

from __future__ import annotations

import re
from typing import Final

_TOKEN: Final = re.compile(
    r"<(?P<tag>code|file|nowiki|html|HTML|php|PHP)\b[^<>\n]{0,200}>"
    r"|(?P<unformatted>%%)"
    r"|^(?:[ ]{2,}|\t)[ \t]*(?![*\-\s])(?P<indented>[^\n]*)"
    r"|(?P<macro>~~[A-Z][A-Z0-9_]{2,40}(?::[^~\n]{0,300})?~~|\{\{[a-z][a-z0-9]{1,20}>[^{}\n]{0,500}\}\})"
    r"|\[\[[^\[\]{}|\n]{0,1000}\|[ ]{0,9}(?P<picture>\{\{[^{}\n]{1,1000}\}\})[ ]{0,9}\]\]",
    re.MULTILINE,
)
_RUN: Final = frozenset({"php", "PHP"})


def without_macros(text: str) -> tuple[str, tuple[str, ...]]:
    """The text as its reader sees it, and the macros that are taken out of it.

    Args:
        text: the source of a page.
    """
    kept: list[str] = []
    taken: list[str] = []
    unclosed: set[str] = set()
    at = 0
    while token := _TOKEN.search(text, at):
        kept.append(text[at : token.start()])
        at = token.end()
        if macro := token["macro"]:
            taken.append(macro)
        elif picture := token["picture"]:
            kept.append(picture)
        elif token["indented"] is not None:
            kept.append(token[0])
        else:
            closing = f"</{token['tag']}>" if token["tag"] else "%%"
            end = -1 if closing in unclosed else text.find(closing, at)
            if end < 0:
                unclosed.add(closing)  # nor is there one further on
                kept.append(token[0])
                continue
            kept.append(_as_it_is(token, text[at:end], closing))
            at = end + len(closing)
    kept.append(text[at:])
    return "".join(kept), tuple(taken)


def _as_it_is(token: re.Match[str], inside: str, closing: str) -> str:
    """Text that DokuWiki shows as it is, in a form that pandoc reads so."""
    if token["tag"] is None:
        return f"%%{inside.strip()}%%"
    if token["tag"] in _RUN:
        return f"<code php>{inside}</code>" if "\n" in inside else f"%%{inside.strip()}%%"
    return f"{token[0]}{inside}{closing}"
