"""A service that only answers `/healthz`, for tests of what keeps services running.

It logs its settings as JSON; starts a child if STAND_IN_CHILD is set; exits with the code STAND_IN_EXIT if that is set;
ignores SIGTERM with STAND_IN_STUBBORN; with STAND_IN_SQUATTER (a file that does not exist yet) it plays a speech server
whose port another program takes just before it would.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's signature
        pass


def squat(port: int, marker: Path) -> None:
    """Leave another program listening on this port, the first time."""
    if marker.exists():
        return
    stranger = subprocess.Popen(
        (sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)), start_new_session=True
    )
    marker.write_text(str(stranger.pid))
    sys.exit("the port is taken")


def main() -> None:
    settings = {key: value for key, value in os.environ.items() if key.startswith("PODCAST_")}
    print(json.dumps(settings), flush=True)  # noqa: T201 - its log
    if "STAND_IN_EXIT" in os.environ:
        print("no, I will not", file=sys.stderr, flush=True)  # noqa: T201 - its log
        sys.exit(int(os.environ["STAND_IN_EXIT"]))
    if "STAND_IN_CHILD" in os.environ:
        subprocess.Popen(("sleep", "1000"))
    if "STAND_IN_STUBBORN" in os.environ:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    port = int(settings.get("PODCAST_HEALTH_PORT") or 0) or int(settings["PODCAST_SPEECH_PORT"])
    if "STAND_IN_SQUATTER" in os.environ and settings.get("PODCAST_HEALTH_PORT") == "0":
        squat(port, Path(os.environ["STAND_IN_SQUATTER"]))
    HTTPServer(("127.0.0.1", port), Health).serve_forever()


if __name__ == "__main__":
    main()
