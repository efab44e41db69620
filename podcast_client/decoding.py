"""Makes dataclasses of JSON documents. Fields that a class does not know are ignored: a newer server may send more."""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from podcast_client.errors import UnexpectedAnswer

T = TypeVar("T")


def decode(kind: type[T], document: Any, where: str = "") -> T:
    """An object of a dataclass (or a type of its fields), made of a parsed JSON document.

    Args:
        kind: what to make.
        document: what `json.loads` returned.
        where: the path of `document` in the answer, for the error.

    Raises:
        UnexpectedAnswer: the document does not fit.
    """
    return typing.cast("T", _decoded(kind, document, where))


def _decoded(kind: Any, document: Any, where: str) -> Any:
    origin = get_origin(kind)
    if kind is Any:
        return document
    if origin in {Union, types.UnionType}:
        return _optional(kind, document, where)
    if origin is Literal:
        return _checked(str, document, where)  # a newer server may know more values
    if origin is tuple:
        return tuple(
            _decoded(get_args(kind)[0], one, f"{where}/{index}")
            for index, one in enumerate(_checked(list, document, where))
        )
    if origin is dict:
        values = get_args(kind)[1]
        return {name: _decoded(values, one, f"{where}/{name}") for name, one in _checked(dict, document, where).items()}
    return _object(kind, document, where) if dataclasses.is_dataclass(kind) else _checked(kind, document, where)


def _optional(kind: Any, document: Any, where: str) -> Any:
    if document is None and type(None) in get_args(kind):
        return None
    found = [one for one in get_args(kind) if one is not type(None)]
    return _decoded(found[0], document, where)


def _object(kind: Any, document: Any, where: str) -> Any:
    _checked(dict, document, where)
    hints = _hints(kind)
    values = {}
    for field in dataclasses.fields(kind):
        if field.name in document:
            values[field.name] = _decoded(hints[field.name], document[field.name], f"{where}/{field.name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise UnexpectedAnswer(f"The server's answer has no {where}/{field.name}.")
    return kind(**values)


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _checked(kind: type, document: Any, where: str) -> Any:
    if kind is float and isinstance(document, int) and not isinstance(document, bool):
        return float(document)
    if not isinstance(document, kind) or (kind is int and isinstance(document, bool)):
        raise UnexpectedAnswer(
            f"The server's answer has {type(document).__name__} at {where or '/'}, not {kind.__name__}."
        )
    return document
