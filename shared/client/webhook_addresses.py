"""Checks the address of a webhook where it is given: a first check, for a clear answer at once.

What a name leads to is checked when it is connected to (`shared/checked_network.py`), each time; here nothing is looked
up.
"""

from __future__ import annotations

import ipaddress
from typing import Final

from pydantic import HttpUrl, TypeAdapter, ValidationError

from shared.addresses import Allowed, is_localhost, without_password
from shared.checked_network import checked
from shared.errors import BadInput

_LIMIT_CHARACTERS: Final = 2_083
"""As pydantic has it. The API takes 2,000, and the normal form of an address may be longer than what was given."""
_URL: Final = TypeAdapter(HttpUrl)


def checked_url(url: str, *, allowed: Allowed) -> str:
    """The address in its normal form (2130706433 is 127.0.0.1).

    Raises:
        BadInput: it is not an http(s) address that a webhook can be sent to.
        ForbiddenAddress: it names this machine or a private network, and no setting allows it.
    """
    shown = without_password(url[:_LIMIT_CHARACTERS])
    try:
        parsed = _URL.validate_python(url)
    except ValidationError:
        raise BadInput(f"{shown} is not an http or https address.", hint="It begins with https://.") from None
    # A backslash is a slash to browsers and part of the user name to others; the result must not depend on the reader.
    if "\\" in url or parsed.username or parsed.password:
        raise BadInput(
            f"{shown} has a user name in it, which a webhook's address may not have.",
            hint="A receiver knows us by the signature.",
        )
    normal = str(parsed)
    if len(normal) > _LIMIT_CHARACTERS:
        raise BadInput(
            f"The address of a webhook may have {_LIMIT_CHARACTERS:,} characters.", hint="Use a shorter one."
        )
    host = (parsed.host or "").strip("[]")
    if is_localhost(host):
        checked(host, ["127.0.0.1"], allowed)
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        return normal
    checked(host, [str(literal)], allowed)
    return normal
