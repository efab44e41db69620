"""python -m benchmarks [NAME …] [--quick]: measure, print, and write the tables and pictures of docs/benchmarks.md.

A full run takes about twenty minutes. `--quick` is a smoke test: smaller sizes, and nothing is written.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from types import ModuleType

from benchmarks import (
    alternatives,
    cpu,
    editions,
    fairness,
    first_audio,
    gateway,
    joining,
    makespan,
    memory,
    quality,
    report,
    scaling,
    speech_route,
)
from benchmarks.environment import environment

BENCHES: dict[str, ModuleType] = {
    "makespan": makespan,
    "scaling": scaling,
    "cpu": cpu,
    "memory": memory,
    "joining": joining,
    "alternatives": alternatives,
    "fairness": fairness,
    "editions": editions,
    "first_audio": first_audio,
    "speech_route": speech_route,
    "gateway": gateway,
    "quality": quality,
}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which ones: {', '.join(BENCHES)}; all if none is named"
    )
    parser.add_argument("--quick", action="store_true", help="smaller sizes, as a smoke test; writes nothing")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(BENCHES):
        parser.error(f"there is no bench {', '.join(sorted(unknown))}")
    for name in [name for name in os.environ if name.startswith("PODCAST_")]:
        del os.environ[name]  # every setting comes from the benchmark itself
    with environment() as servers:
        for name in options.names or BENCHES:
            bench = BENCHES[name]
            load, began = os.getloadavg()[0], time.monotonic()
            print(f"\n## {bench.TITLE}\n", flush=True)
            figures = bench.run(servers, quick=options.quick)
            table = report.table(figures)
            conditions = report.conditions(["python", "-m", "benchmarks", name], load)
            print(f"{table}\n\n{conditions} It took {time.monotonic() - began:.0f} s.", flush=True)
            if not options.quick:
                report.write(name, f"{table}\n\n{report.draw(name, bench, figures)}\n\n{conditions}")


if __name__ == "__main__":
    main(sys.argv[1:])
