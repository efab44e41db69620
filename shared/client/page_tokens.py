"""Tokens that a browser has in place of a key: a session's in a cookie, and a ticket's in the address that opens one.

Both name their key and are signed with a secret that is derived from the hash of that key in the store: every gateway
can check them, none has to remember them, and they end with their key. A page's script never sees a session's token,
and whoever finds a ticket later finds it expired, which a key in a browser's history would never be.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from typing import Final, Literal

from shared.client.api_keys import ApiKey
from shared.client.key_signatures import signature

Kind = Literal["session", "ticket"]
"""`session`: stands for its key until it expires. `ticket`: opens a session, and nothing else."""

TICKET_SECONDS: Final = 3_600
"""How long the address that `podcast up` prints signs a browser in."""
_PREFIXES: Final[dict[Kind, str]] = {"session": "se", "ticket": "ti"}
_KINDS: Final[dict[str, Kind]] = {prefix: kind for kind, prefix in _PREFIXES.items()}
_PARTS: Final = re.compile(r"(se|ti)_([0-9a-f]{12})_([0-9]{10})_([0-9a-f]{64})")
_PURPOSE: Final = b"podcast page token 1"


@dataclass(frozen=True)
class PageToken:
    """A token, not yet checked.

    Attributes:
        kind: what it is good for.
        key_id: of the key that it was made with.
        expires_at: seconds since the epoch.
        signature: over these.
    """

    kind: Kind
    key_id: str
    expires_at: int
    signature: str

    @classmethod
    def parse(cls, text: str) -> PageToken | None:
        """The token; None if it has not the form of one."""
        found = _PARTS.fullmatch(text)
        return cls(_KINDS[found[1]], found[2], int(found[3]), found[4]) if found else None

    @classmethod
    def signed(cls, key: ApiKey, kind: Kind, *, expires_at: int) -> PageToken:
        """A new token.

        Args:
            key: the key that it stands for.
            kind: what it is good for.
            expires_at: seconds since the epoch.
        """
        return cls(kind, key.key_id, expires_at, _signature(key, kind, expires_at))

    def is_genuine(self, key: ApiKey, kind: Kind) -> bool:
        """Whether it was made with this key, for this purpose; says nothing of the time."""
        return self.kind == kind and hmac.compare_digest(self.signature, _signature(key, kind, self.expires_at))

    def __str__(self) -> str:
        return f"{_PREFIXES[self.kind]}_{self.key_id}_{self.expires_at:010d}_{self.signature}"


def _signature(key: ApiKey, kind: Kind, expires_at: int) -> str:
    return signature(key, _PURPOSE, kind, str(expires_at))
