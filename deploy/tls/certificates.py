"""A small certificate authority for the servers of one deployment, made with the program `openssl`.

    python -m deploy.tls.certificates FOLDER            writes a new authority: FOLDER/ca.pem and FOLDER/ca.key
    python -m deploy.tls.certificates FOLDER NAME HOST… writes a certificate signed by it: NAME.pem and NAME.key

Whoever has certificates already uses those; this is for a stack whose servers have names that no public authority
signs. The authority's key signs servers' certificates and belongs into no container: keep it where the deployment's
other secrets are made, and away from what is deployed.
"""

from __future__ import annotations

import ipaddress
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.files import private_folder, write_private
from deploy.local.program import find_program
from shared.errors import Misconfigured

AUTHORITY_DAYS: Final = 3_650
SERVER_DAYS: Final = 397
"""The longest that browsers accept; a warning comes a month before the end (deploy/monitoring)."""
_CALL_SECONDS: Final = 60.0
_CURVE: Final = "prime256v1"


@dataclass(frozen=True)
class Certificate:
    """PEM texts.

    Attributes:
        certificate: of the server, or of the authority.
        key: its private key, a secret.
    """

    certificate: str
    key: str

    def write(self, folder: Path, name: str) -> None:
        """Write `<name>.pem` and `<name>.key`, readable by their owner alone."""
        private_folder(folder)
        write_private(folder / f"{name}.pem", self.certificate)
        write_private(folder / f"{name}.key", self.key)


def authority(name: str, *, days: int = AUTHORITY_DAYS) -> Certificate:
    """A new authority.

    Raises:
        Misconfigured: `openssl` is missing or fails.
    """
    return _made(
        name,
        days,
        ("basicConstraints=critical,CA:TRUE,pathlen:0", "keyUsage=critical,keyCertSign,cRLSign"),
        signed_by=None,
    )


def issue(signed_by: Certificate, names: Sequence[str], *, days: int = SERVER_DAYS) -> Certificate:
    """A certificate for a server.

    Args:
        signed_by: the authority.
        names: host names and addresses by which clients reach it; the first one is also its subject.
        days: how long it is valid.

    Raises:
        Misconfigured: `openssl` is missing or fails.
    """
    alternatives = ",".join(f"{'IP' if _is_address(name) else 'DNS'}:{name}" for name in names)
    extensions = (
        "basicConstraints=critical,CA:FALSE",
        "keyUsage=critical,digitalSignature",
        "extendedKeyUsage=serverAuth",
        f"subjectAltName={alternatives}",
    )
    return _made(names[0], days, extensions, signed_by=signed_by)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _made(name: str, days: int, extensions: Sequence[str], *, signed_by: Certificate | None) -> Certificate:
    with tempfile.TemporaryDirectory(prefix="podcast-tls-") as temporary:
        folder = Path(temporary)
        key, certificate = folder / "made.key", folder / "made.pem"
        if signed_by is not None:
            signed_by.write(folder, "authority")
        _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{_CURVE}", "-out", str(key))
        ca, ca_key = str(folder / "authority.pem"), str(folder / "authority.key")
        signing = () if signed_by is None else ("-CA", ca, "-CAkey", ca_key)
        _openssl(
            *("req", "-x509", "-new", "-sha256", "-key", str(key), "-out", str(certificate), "-days", str(days)),
            *("-subj", f"/CN={name}", "-config", "/dev/null", *signing),
            *(part for extension in extensions for part in ("-addext", extension)),
            *("-addext", "subjectKeyIdentifier=hash", "-addext", "authorityKeyIdentifier=keyid"),
        )
        return Certificate(certificate.read_text(encoding="ascii"), key.read_text(encoding="ascii"))


def _openssl(*arguments: str) -> None:
    program = find_program("openssl", hint="Install the package openssl.")
    try:
        subprocess.run((program, *arguments), capture_output=True, text=True, timeout=_CALL_SECONDS, check=True)
    except subprocess.CalledProcessError as error:
        raise Misconfigured(f"openssl could not make a certificate: {error.stderr.strip()}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Misconfigured(f"openssl could not make a certificate: {error}") from error


def main(arguments: Sequence[str]) -> int:
    """The command line; the exit code."""
    if len(arguments) not in {1, *range(3, 100)}:
        print((__doc__ or "").split("\n\n")[1], file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    try:
        if len(arguments) == 1:
            authority("podcast").write(folder, "ca")
        else:
            pem, key = (folder / name for name in ("ca.pem", "ca.key"))
            signs = Certificate(pem.read_text(encoding="ascii"), key.read_text(encoding="ascii"))
            issue(signs, arguments[2:]).write(folder, arguments[1])
    except (OSError, Misconfigured) as error:
        print(f"certificates: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
