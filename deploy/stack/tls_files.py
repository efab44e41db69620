"""The certificates of the stack's own servers, for the overlay `tls`: made once, by an authority of the deployment.

Whoever has certificates puts them into the folder of the deployment under the same names, before `podcast deploy init`:
`secrets/<server>_certificate`, `secrets/<server>_key`, and the certificate of the authority as `configs/ca.pem`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from deploy.broker.tls import tls_conf
from deploy.local.files import read_private
from deploy.tls.certificates import Certificate, authority, issue

OVERLAY: Final = "tls"
SERVERS: Final[dict[str, tuple[str, ...]]] = {
    "rabbitmq": ("rabbitmq", "rabbitmq2", "rabbitmq3"),
    "minio": ("minio", "minio1", "minio2", "minio3", "minio4"),
    "speech": ("speech",),
}
"""Server → the names by which it is reached."""
RABBITMQ_TLS_CONF: Final = tls_conf(
    PurePosixPath("/run/secrets/rabbitmq_certificate"), PurePosixPath("/run/secrets/rabbitmq_key")
)
CA: Final = "ca.pem"
_AUTHORITY: Final = "authority"
"""The folder with the authority and its key, which is deployed nowhere."""


def names_of(server: str) -> tuple[str, str]:
    """The secrets with the certificate and the key of a server."""
    return f"{server}_certificate", f"{server}_key"


def complete_certificates(secrets: Path, ca: Path, known: Mapping[str, str], put: Callable[[str, str], None]) -> str:
    """Make the certificates that are missing.

    Args:
        secrets: the folder of the secrets.
        ca: the file with the certificate of the authority; somebody else's, if it is there and not ours.
        known: the secrets so far.
        put: writes a secret.

    Returns:
        What `ca` should hold.

    Raises:
        Misconfigured: `openssl` is missing or fails.
    """
    folder = secrets / _AUTHORITY
    own = Certificate(read_private(folder / f"{_AUTHORITY}.pem"), read_private(folder / f"{_AUTHORITY}.key"))
    missing = [server for server in SERVERS if not all(name in known for name in names_of(server))]
    if missing and not own.key:
        own = authority("Podcast Engine")
        own.write(folder, _AUTHORITY)
    for server in missing:
        made = issue(own, (*SERVERS[server], "localhost", "127.0.0.1"))
        certificate, key = names_of(server)
        put(certificate, made.certificate.rstrip())
        put(key, made.key.rstrip())
    theirs = read_private(ca)
    return theirs or own.certificate
