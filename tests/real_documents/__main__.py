"""`make corpus`: fetch every document, read it, judge it, write docs/corpus.md.

python -m tests.real_documents [NAME …] [--show]      without names: all, and the table is written
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.real_documents import golden, packages, table
from tests.real_documents.judging import Verdict, judge, measure


def verdict(one: golden.Golden) -> Verdict:
    """Fetch, read and judge a document."""
    try:
        path = packages.fetch(one.source)
    except packages.NotToBeHad as error:
        return Verdict(one, missing=str(error))
    return judge(one, measure(one, path))


def main() -> int:
    """The command of the module; 1 if a document is read worse (or better) than its golden file says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--show", action="store_true", help="print what came out")
    asked = parser.parse_args()
    goldens = [one for one in golden.all_of_them() if not asked.names or one.name in asked.names]
    with ThreadPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as pool:
        verdicts = list(pool.map(verdict, goldens))
    for one in verdicts:
        state = one.missing or "; ".join(f"{name}: {what}" for name, what in one.unexpected.items()) or "as it should"
        sys.stdout.write(f"{one.golden.name}: {state}\n")
        if asked.show and one.reading is not None:
            sys.stdout.write(one.reading.model_dump_json(indent=1) + "\n")
    if not asked.names:
        table.write(verdicts)
    return int(any(one.unexpected for one in verdicts))


if __name__ == "__main__":
    raise SystemExit(main())
