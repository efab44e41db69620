"""Tokens for event streams: what stands in the query in place of a key, since a browser's EventSource sends no header.

A token opens the events of one job, or of all, for some minutes, and nothing else. It names its key and is signed with
a secret that is derived from the hash of that key in the store: so every gateway can check it, none has to remember it,
and it ends with its key. Whoever can read the hashes can read the jobs themselves too.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from typing import Final

from shared.client.api_keys import ApiKey
from shared.client.key_signatures import signature

PATTERN: Final = r"^ev_[0-9a-f]{12}_[0-9]{10}_[0-9a-f]{64}$"
ALL_JOBS: Final = "*"
"""The subject of a token for the events of all jobs; no job has this id."""
_PARTS: Final = re.compile(r"ev_([0-9a-f]{12})_([0-9]{10})_([0-9a-f]{64})")
_PURPOSE: Final = b"podcast event token 1"


@dataclass(frozen=True)
class EventToken:
    """A token, not yet checked.

    Attributes:
        key_id: of the key that it was made with.
        expires_at: seconds since the epoch.
        signature: over these and the subject.
    """

    key_id: str
    expires_at: int
    signature: str

    @classmethod
    def parse(cls, text: str) -> EventToken | None:
        """The token; None if it has not the form of one."""
        found = _PARTS.fullmatch(text)
        return cls(found[1], int(found[2]), found[3]) if found else None

    @classmethod
    def signed(cls, key: ApiKey, subject: str, *, expires_at: int) -> EventToken:
        """A new token.

        Args:
            key: the key that it is as good as.
            subject: the id of the job whose events it opens, or `ALL_JOBS`.
            expires_at: seconds since the epoch.
        """
        return cls(key.key_id, expires_at, _signature(key, subject, expires_at))

    def is_genuine(self, key: ApiKey, subject: str) -> bool:
        """Whether it was made with this key, for this subject; says nothing of the time."""
        return hmac.compare_digest(self.signature, _signature(key, subject, self.expires_at))

    def __str__(self) -> str:
        return f"ev_{self.key_id}_{self.expires_at:010d}_{self.signature}"


def _signature(key: ApiKey, subject: str, expires_at: int) -> str:
    return signature(key, _PURPOSE, subject, str(expires_at))
