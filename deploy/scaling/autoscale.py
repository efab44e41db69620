"""An autoscaler of the synthesizers of a Swarm stack, from the number of chunks that wait. An example to copy.

    python3 deploy/scaling/autoscale.py --metrics http://127.0.0.1:9090/federate?match[]=podcast_queue_messages

It needs Python's standard library and the `docker` command on a manager, nothing of this project. The numbers come
from Prometheus, as above, or from a coordinator's own /metrics. Chunks are requested a few at a time from each job
(`max_parallel`), so what waits in the queue is what more synthesizers could speak at once.
"""

from __future__ import annotations

import argparse
import math
import re
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field

_CALL_SECONDS = 20.0
_SAMPLE = re.compile(r"^podcast_queue_messages\{(?P<labels>[^}]*)\}\s+(?P<value>[-+0-9.eE]+)", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass
class Scaler:
    """Decides how many replicas there should be: quickly up, slowly down, one change at a time.

    Attributes:
        least: replicas.
        most: replicas.
        slots: chunks that a replica speaks at a time (`PODCAST_SYNTHESIZER_SLOTS`).
        looks_up: so many looks in a row must find more waiting than the replicas can take up at once.
        looks_down: so many looks in a row must find nothing waiting.
        settling: looks after a change for which nothing is changed: new replicas need a moment to start.
    """

    least: int = 1
    most: int = 8
    slots: int = 4
    looks_up: int = 2
    looks_down: int = 20
    settling: int = 4
    _behind: int = field(default=0, init=False)
    _idle: int = field(default=0, init=False)
    _quiet: int = field(default=0, init=False)

    def wanted(self, waiting: int, replicas: int) -> int:
        """How many replicas there should be now.

        Args:
            waiting: chunks that nobody speaks yet.
            replicas: that there are.
        """
        self._behind = self._behind + 1 if waiting > replicas * self.slots else 0
        self._idle = self._idle + 1 if waiting == 0 else 0
        self._quiet = max(0, self._quiet - 1)
        wanted = replicas
        if self._behind >= self.looks_up:
            wanted = min(2 * replicas, replicas + math.ceil(waiting / self.slots))
        elif self._idle >= self.looks_down:
            wanted = replicas - 1
        wanted = max(self.least, min(self.most, wanted))
        if wanted == replicas or (self._quiet and self.least <= replicas <= self.most):
            return replicas
        self._behind = self._idle = 0
        self._quiet = self.settling
        return wanted


def waiting(metrics: str, queue: str) -> int:
    """The messages that are ready in a queue, from metrics in Prometheus' text format.

    Raises:
        ValueError: they do not say.
    """
    found = [
        float(sample["value"])
        for sample in _SAMPLE.finditer(metrics)
        if dict(_LABEL.findall(sample["labels"])).items() >= {"queue": queue, "part": "ready"}.items()
    ]
    if not found:
        raise ValueError(f"no podcast_queue_messages of the queue {queue}: is a coordinator among the metrics?")
    return round(max(found))


def fetched(url: str) -> str:
    """What is at an address.

    Raises:
        OSError: it cannot be read.
    """
    with urllib.request.urlopen(url, timeout=_CALL_SECONDS) as answer:  # noqa: S310 - the operator's own address
        return str(answer.read().decode())


def docker(*words: str) -> str:
    """What a docker command prints.

    Raises:
        OSError: it failed.
    """
    try:
        done = subprocess.run(("docker", *words), capture_output=True, text=True, timeout=_CALL_SECONDS, check=True)
    except subprocess.SubprocessError as error:
        said = getattr(error, "stderr", None) or error
        raise OSError(f"docker {' '.join(words)}: {said}") from error
    return done.stdout.strip()


def look(scaler: Scaler, options: argparse.Namespace) -> None:
    """Look once, and scale if that is due.

    Raises:
        OSError, ValueError: the numbers cannot be had; nothing is changed.
    """
    ready = waiting(fetched(options.metrics), options.queue)
    replicas = int(docker("service", "inspect", "--format", "{{.Spec.Mode.Replicated.Replicas}}", options.service))
    wanted = scaler.wanted(ready, replicas)
    if wanted != replicas:
        print(f"{options.service}: {replicas} -> {wanted}, {ready} waiting", flush=True)
        if not options.dry_run:
            docker("service", "scale", "--detach", f"{options.service}={wanted}")


def main(arguments: list[str] | None = None) -> None:
    """Look at an interval until it is stopped. What cannot be had is reported, and looked for again."""
    parser = argparse.ArgumentParser(description="Scales a service of a Swarm stack by what waits in its queue.")
    parser.add_argument("--metrics", required=True, metavar="URL", help="/federate of Prometheus, or /metrics")
    parser.add_argument("--service", default="podcast_synthesizer", help="the Swarm service (default: %(default)s)")
    parser.add_argument("--queue", default="synthesizer", help="its queue (default: %(default)s)")
    parser.add_argument("--least", type=int, default=1, help="replicas (default: %(default)s)")
    parser.add_argument("--most", type=int, default=8, help="replicas (default: %(default)s)")
    parser.add_argument("--slots", type=int, default=4, help="of a replica (default: %(default)s)")
    parser.add_argument("--every", type=float, default=15.0, metavar="SECONDS", help="(default: %(default)s)")
    parser.add_argument("--looks-down", type=int, default=20, help="idle looks before one goes (default: %(default)s)")
    parser.add_argument("--looks", type=int, default=0, help="end after so many; 0: never")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    options = parser.parse_args(arguments)
    scaler = Scaler(least=options.least, most=options.most, slots=options.slots, looks_down=options.looks_down)
    number = 0
    while not options.looks or number < options.looks:
        if number:
            time.sleep(options.every)
        number += 1
        try:
            look(scaler, options)
        except (OSError, ValueError) as error:
            print(f"not looked: {error}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
