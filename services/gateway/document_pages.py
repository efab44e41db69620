"""Pages for people: the API, from its OpenAPI document, and the problems. Plain HTML with one style and no script."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any, Final

from services.gateway.problem_kinds import ProblemKind

_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
html { color-scheme: light dark }
h2 { margin-top: 3rem } h3 { margin: 2rem 0 .5rem; font-family: monospace; font-size: 1rem }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0 }
code, pre { font: 14px/1.4 monospace } pre { overflow-x: auto; padding: .8rem; border: 1px solid #8888 }
summary { cursor: pointer } .method { font-weight: bold }
"""
POLICY: Final = (
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    + "'"
)
"""The Content-Security-Policy of these pages."""
_METHODS: Final = ("get", "head", "post", "put", "patch", "delete")


def api(document: dict[str, Any]) -> str:
    """The page of the whole API."""
    operations: dict[str, list[str]] = {}
    for path, item in document["paths"].items():
        for method in _METHODS:
            if operation := item.get(method):
                tag = (operation.get("tags") or ["more"])[0]
                operations.setdefault(tag, []).append(_operation(method, path, operation))
    info = document["info"]
    schemas = document.get("components", {}).get("schemas", {})
    return _page(
        info["title"],
        f"<p>{_text(info['description'])}</p>"
        '<p><a href="/openapi.json">openapi.json</a> for programs, <a href="/problems">problems</a>.</p>'
        + "".join(f"<h2>{escape(tag)}</h2>{''.join(some)}" for tag, some in operations.items())
        + "<h2>Documents</h2>"
        + "".join(_schema(name, schema) for name, schema in sorted(schemas.items())),
    )


def problems(kinds: Iterable[ProblemKind]) -> str:
    """The page of some problems."""
    return _page(
        "Problems",
        "".join(
            f'<h2 id="{kind.name}">{escape(kind.title)}</h2>'
            f"<p><code>/problems/{kind.name}</code>, HTTP {int(kind.status)}</p><p>{_text(kind.meaning)}</p>"
            for kind in kinds
        )
        + '<p><a href="/problems">All problems</a>, <a href="/docs">the API</a></p>',
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    body = operation.get("requestBody", {}).get("content", {})
    parts = [
        f'<h3 id="{escape(operation["operationId"])}"><span class="method">{method.upper()}</span> {escape(path)}</h3>',
        f"<p>{_text(operation.get('description', ''))}</p>",
        _table(
            ("parameter", "in", "", ""),
            (
                (one["name"], one["in"], _type(one.get("schema", {})), one.get("description", ""))
                for one in operation.get("parameters", [])
            ),
        ),
        "".join(
            f"<p>Body: <code>{escape(kind)}</code> {_type(content.get('schema', {}))}</p>"
            for kind, content in body.items()
        ),
        _table(("answer", "", ""), _answers(operation.get("responses", {}))),
    ]
    return "".join(parts)


def _answers(responses: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for status, response in responses.items():
        kinds = [_type(content.get("schema", {})) for content in response.get("content", {}).values()]
        yield status, _Html(", ".join(dict.fromkeys(kinds))), response.get("description", "")


def _schema(name: str, schema: dict[str, Any]) -> str:
    required = set(schema.get("required", ()))
    rows = (
        (field, _type(one), "" if field in required else "optional", one.get("description", ""))
        for field, one in schema.get("properties", {}).items()
    )
    return (
        f'<details id="schema-{escape(name)}"><summary><code>{escape(name)}</code></summary>'
        f"<p>{_text(schema.get('description', ''))}</p>{_table(('field', '', '', ''), rows)}"
        f"<pre>{escape(json.dumps(schema, indent=2))}</pre></details>"
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table; nothing if it has no rows."""
    lines = ["<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in row) + "</tr>" for row in rows]
    if not lines:
        return ""
    return "<table><tr>" + "".join(f"<th>{escape(name)}</th>" for name in head) + f"</tr>{''.join(lines)}</table>"


class _Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def _cell(cell: str) -> str:
    return cell if isinstance(cell, _Html) else _text(cell)


def _type(schema: dict[str, Any]) -> str:
    """What a schema allows, in a few words, with links to the documents."""
    return _Html(" | ".join(dict.fromkeys(_types(schema))))


def _types(schema: dict[str, Any]) -> Iterator[str]:
    if reference := schema.get("$ref"):
        name = escape(reference.rsplit("/", 1)[-1])
        yield f'<a href="#schema-{name}"><code>{name}</code></a>'
    elif options := schema.get("anyOf") or schema.get("oneOf"):
        for option in options:
            yield from _types(option)
    elif "enum" in schema:
        yield from (f"<code>{escape(json.dumps(value))}</code>" for value in schema["enum"])
    elif "const" in schema:
        yield f"<code>{escape(json.dumps(schema['const']))}</code>"
    elif schema.get("type") == "array":
        yield f"list of {_type(schema.get('items', {}))}"
    else:
        yield escape(str(schema.get("type", "any")))


def _text(text: str) -> str:
    """Plain text with `code` in back quotes."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _page(title: str, content: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1>{content}</body></html>"
    )
