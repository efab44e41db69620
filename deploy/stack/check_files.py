"""Part of `make check`: docker accepts docker-stack.yml, each overlay, and the overlays that go together.

    python -m deploy.stack.check_files

Needs only docker's command line, in version 23 or later; where there is none, it says so and checks nothing.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final

from deploy.stack.deployment import Deployment, overlay_names
from deploy.stack.initialising import initialise
from deploy.stack.rendering import merged
from shared.errors import Misconfigured, PodcastError

TOGETHER: Final[tuple[tuple[str, ...], ...]] = (
    ("rabbitmq-cluster", "minio-cluster", "encrypted-networks"),
    ("rabbitmq-cluster", "minio-cluster", "kokoro-gpu"),
    ("rabbitmq-cluster", "minio-cluster", "monitoring"),
    ("external-broker", "external-store", "external-speech"),
    ("rabbitmq-cluster", "minio-cluster", "tls", "rabbitmq-cluster-tls", "minio-cluster-tls"),
    ("monitoring", "tls", "monitoring-tls"),
    ("monitoring", "tls", "monitoring-tls", "tracing", "tracing-headers"),
)
"""Combinations of overlays, besides each alone."""
ALL_FILES: Final = {"PODCAST_OVERLAYS": "tls"}
"""Makes `init` write certificates too."""


ADDITIONS: Final = ("rabbitmq-cluster-tls", "minio-cluster-tls", "monitoring-tls", "tracing-headers")
"""Overlays of overlays: by themselves they are not complete."""
OPTIONS: Final = {
    "PODCAST_TAG": "checked",
    "PODCAST_KOKORO_TAG": "checked",
    "PODCAST_STACK_SPEECH_URL": "https://speech.example.org",
    "PODCAST_STACK_OTLP_ENDPOINT": "http://collector:4318",
}
"""What has no default."""
GIVEN: Final = {"speech_api_key": "checked", "traces_headers": "authorization=checked"}
"""The secrets that somebody else has made."""


def combinations() -> tuple[tuple[str, ...], ...]:
    """None, each alone, and those that go together."""
    return ((), *((name,) for name in overlay_names() if name not in ADDITIONS), *TOGETHER)


def main() -> int:
    """The exit code: 1 if docker refuses a combination."""
    with tempfile.TemporaryDirectory() as folder:
        deployment: Deployment = initialise(Path(folder), OPTIONS | ALL_FILES, GIVEN).deployment
        refused = 0
        for overlays in combinations():
            try:
                merged(deployment, overlays)
            except Misconfigured as error:
                print(f"Stack files: not checked. {error}")
                return 0
            except PodcastError as error:
                refused += 1
                print(f"docker-stack.yml {' '.join(overlays)}: {error}", file=sys.stderr)
    if not refused:
        print(f"Stack files: docker accepts {len(combinations())} combinations.")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
