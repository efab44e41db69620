"""Encrypted connections to broker, store and speech servers: whom we trust, and what is wrong if we cannot.

Names and dates of certificates are always checked; there is no setting that turns this off.
"""

from __future__ import annotations

import functools
import ssl
from typing import Final

import certifi

from shared.errors import Misconfigured

_NAME_DIFFERS: Final = {62, 64}
"""X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH of OpenSSL."""
_NOT_YET_VALID: Final = 9
_EXPIRED: Final = 10
_CHAIN_LIMIT: Final = 20


@functools.cache
def trusting(ca: str) -> ssl.SSLContext:
    """What verifies servers: by the system's authorities, those that come with Python's packages, and our own.

    Args:
        ca: certificates of authorities, PEM; may be empty.

    Raises:
        Misconfigured: there is no certificate in it.
    """
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())  # an image without system certificates has these
    if ca:
        try:
            context.load_verify_locations(cadata=ca)
        except (ssl.SSLError, ValueError) as error:
            raise Misconfigured(
                "What PODCAST_CA_FILE names has no certificate in it that can be read.",
                hint="It must be a PEM file with the certificate of the authority that signed those of your servers.",
            ) from error
    return context


def problem(error: BaseException, server: str) -> tuple[str, str] | None:
    """What is wrong with an encrypted connection, and what to do; None if the error is about something else.

    Args:
        error: what a client library raised; the cause may be anywhere behind it.
        server: its address, for the sentence.
    """
    cause = _tls_error(error)
    if cause is None:
        return None
    if not isinstance(cause, ssl.SSLCertVerificationError):
        return (
            f"No encrypted connection to {server} can be made: {cause.reason or cause}.",
            "Does this port speak TLS? Without TLS the addresses are amqp://…, s3://…?secure=false and http://….",
        )
    if cause.verify_code in _NAME_DIFFERS:
        return (
            f"The certificate of {server} is for another name: {cause.verify_message.rstrip('.')}.",
            "Use a name in the address that is in the certificate, or issue one for this name.",
        )
    if cause.verify_code in {_EXPIRED, _NOT_YET_VALID}:
        when = "has expired" if cause.verify_code == _EXPIRED else "is not valid yet"
        return f"The certificate of {server} {when}.", "Renew it, or correct the clock of this machine."
    return (
        f"The certificate of {server} is not trusted: {cause.verify_message.rstrip('.')}.",
        "If it is yours, set PODCAST_CA_FILE to the certificate of the authority that signed it.",
    )


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    """The TLS library's own error; urllib3 keeps it in an attribute or an argument instead of chaining it."""
    left = [error]
    for _ in range(_CHAIN_LIMIT):
        if not left:
            return None
        found = left.pop(0)
        if isinstance(found, ssl.SSLError):
            return found
        if isinstance(found, BaseException):
            behind = (found.__cause__, found.__context__, getattr(found, "reason", None), *found.args)
            left += [other for other in behind if isinstance(other, BaseException)]
    return None
