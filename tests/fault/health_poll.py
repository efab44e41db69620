"""How long `/healthz` takes, measured by a process of its own so that the test's work does not count.

    python -m tests.fault.health_poll URL

asks again and again until its input ends, and prints what each answer took, in milliseconds.
"""

from __future__ import annotations

import http.client
import select
import sys
import time
from urllib.parse import urlsplit

PAUSE_SECONDS = 0.01


def main() -> None:
    parts = urlsplit(sys.argv[1])
    client = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    took = []
    while not took or not select.select([sys.stdin], [], [], PAUSE_SECONDS)[0]:
        began = time.perf_counter()
        client.request("GET", "/healthz")
        response = client.getresponse()
        response.read()
        assert response.status == 200
        took.append(1_000 * (time.perf_counter() - began))
        if len(took) == 1:
            print("polling", flush=True)  # noqa: T201 - how the starter learns that it has begun
    print(*took, sep="\n")  # noqa: T201 - its result


if __name__ == "__main__":
    main()
