"""JSON's own types: what a document says is read as what it is, so that `"no"` is not false and `"5"` is no number.

Models of request bodies have `strict=True`, and `JsonInteger` for integers: to JSON, 5.0 is one too.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias

from pydantic import BeforeValidator


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE: Final = BeforeValidator(_whole)
"""Goes last: `Annotated[int, Field(ge=1), WHOLE]`; before the limits it would keep them out of the JSON schema."""
WHOLES: Final = BeforeValidator(
    lambda found: {name: _whole(one) for name, one in found.items()} if isinstance(found, dict) else found
)
"""The same for each value of an object, whose model is not ours to change."""
JsonInteger: TypeAlias = Annotated[int, WHOLE]
