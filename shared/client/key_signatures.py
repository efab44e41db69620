"""Signatures that stand for a key of the API: every gateway can check them, none has to remember them.

The secret is derived from the hash of the key in the store, once for each purpose: what is signed for one is worth
nothing for another, and ends with its key.
"""

from __future__ import annotations

import hashlib
import hmac

from shared.client.api_keys import ApiKey


def signature(key: ApiKey, purpose: bytes, *parts: str) -> str:
    """The signature, in hexadecimal digits.

    Args:
        key: the key that it stands for.
        purpose: what is signed; another for each kind of token, and another if its form changes.
        parts: what the signature is over, besides the key's id; none contains a line end.
    """
    secret = hmac.digest(key.secret_sha256.encode(), purpose, hashlib.sha256)
    # No part contains a line end, so no two tokens have the same text.
    return hmac.new(secret, "\n".join((key.key_id, *parts)).encode(), hashlib.sha256).hexdigest()
