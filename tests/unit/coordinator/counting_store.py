"""A folder as a store that counts its calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from shared.store.folder import FileStore

CALLS = (
    "put",
    "put_file",
    "create",
    "replace",
    "get",
    "get_versioned",
    "get_range",
    "get_file",
    "size",
    "exists",
    "page",
    "entries",
    "folders",
    "delete",
)


_inside: ContextVar[bool] = ContextVar("inside", default=False)


class CountingStore(FileStore):
    """A real folder store that counts each call of the port by name.

    `get_versioned` and `exists` use other calls internally, but count as one call.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root, deadline_seconds=60)
        self.calls: Counter[str] = Counter()
        for name in CALLS:
            setattr(self, name, self._counted(name, getattr(self, name)))

    def _counted(self, name: str, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def counted(*arguments: Any, **keywords: Any) -> Any:
            if _inside.get():
                return await call(*arguments, **keywords)
            self.calls[name] += 1
            token = _inside.set(True)
            try:
                return await call(*arguments, **keywords)
            finally:
                _inside.reset(token)

        return counted

    @property
    def total(self) -> int:
        """All calls."""
        return sum(self.calls.values())
