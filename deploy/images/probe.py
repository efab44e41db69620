#!/usr/bin/python3 -IS
"""The health check of the images: `podcast-probe URL [SECONDS]` ends with 0 if the URL answers 2xx in time.

The deadline is one for everything: the kernel ends the process, whatever it is waiting for, also a server that sends a
byte now and then. Over https no certificate is checked, because it asks the container that it runs in.
"""

import signal
import socket
import sys
from urllib.parse import urlsplit

DEADLINE_SECONDS = 4.0
_STATUS_LINE_BYTES = 200


def status(url: str) -> int:
    """The status code that a GET of the URL is answered with.

    Raises:
        OSError: there is no answer.
        ValueError: the answer is not HTTP.
    """
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    host, port = parts.hostname or "127.0.0.1", parts.port or (443 if secure else 80)
    with socket.create_connection((host, port)) as plain:
        connection = plain
        if secure:
            import ssl  # noqa: PLC0415 - takes longer to import than everything else here

            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            connection = context.wrap_socket(plain)
        path = parts.path or "/"
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        line = b""
        while b"\n" not in line and len(line) < _STATUS_LINE_BYTES:
            more = connection.recv(_STATUS_LINE_BYTES)
            if not more:
                break
            line += more
    protocol, code = line.split(maxsplit=2)[:2]
    if not protocol.startswith(b"HTTP/"):
        raise ValueError(f"{line[:40]!r} is not HTTP")
    return int(code)


def main() -> None:
    """Ask, and end with 0 for 2xx; the reason is shown by `docker inspect`."""
    # Without a handler, the signal ends the process.
    signal.setitimer(signal.ITIMER_REAL, float(sys.argv[2]) if len(sys.argv) > 2 else DEADLINE_SECONDS)  # noqa: PLR2004
    try:
        code = status(sys.argv[1])
    except (OSError, ValueError) as error:
        sys.exit(f"{sys.argv[1]}: {error}")
    if code // 100 != 2:  # noqa: PLR2004
        sys.exit(f"{sys.argv[1]}: {code}")


if __name__ == "__main__":
    main()
