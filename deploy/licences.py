"""Fails on a licence that this Apache-2.0 project may not depend on: `python -m deploy.licences`, part of `make check`.

It reads what every distribution in the lock files declares (License-Expression, License, classifiers), reduces it to
SPDX, and accepts what is permissive. Anything else, including an unknown licence, needs an entry in `EXCEPTIONS`: the
licence, the reason why it is accepted, and the fence that keeps the distribution where it is. A wheel's metadata does
not mention the libraries and programs inside it, so those are searched for and must be listed in `BUNDLED`.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.licence_exceptions import BUNDLED, EXCEPTIONS, TESTS_ONLY

ROOT = Path(__file__).parents[1]
RUNTIME_LOCK, DEVELOPMENT_LOCK = ROOT / "requirements.lock", ROOT / "requirements-dev.lock"

PERMISSIVE = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC0-1.0",
        "CNRI-Python",
        "ISC",
        "MIT",
        "MIT-0",
        "MIT-CMU",
        "PSF-2.0",
        "Unlicense",
        "Zlib",
    }
)
"""SPDX identifiers of licences that require no more than a notice."""

SPDX_NAMES = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd 2-clause license": "BSD-2-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "bsd-3-clause, apache-2.0, dependency licenses": "BSD-3-Clause AND Apache-2.0",  # pypdfium2; the rest in BUNDLED
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "new bsd": "BSD-3-Clause",
    "python software foundation license": "PSF-2.0",
    "the bsd 2-clause license": "BSD-2-Clause",
}
"""Free text and classifiers, in lower case → SPDX. "BSD" alone does not say which one; all of them are permissive."""

_TOKEN = re.compile(r"\(|\)|[^\s()]+")
_ELF = b"\x7fELF"
_EXTENSION_MODULE = re.compile(r"\.(cpython-[^/]+|abi3)\.so$")
_NOT_NATIVE = frozenset({".py", ".pyc", ".pyi", ".txt", ".json", ".h", ".typed", ".dat", ".onnx"})


def is_permissive(expression: str) -> bool:
    """Whether permissive licences alone can satisfy an SPDX expression: every side of AND, one side of OR.

    Raises:
        ValueError: it is not an SPDX expression.
    """
    try:
        tokens = _TOKEN.findall(canonicalize_license_expression(expression))
    except InvalidLicenseExpression as error:
        raise ValueError(f"{expression!r} is no SPDX expression") from error
    return _either(tokens)


def _either(tokens: list[str]) -> bool:
    found = _both(tokens)
    while tokens and tokens[0] == "OR":
        tokens.pop(0)
        found = _both(tokens) or found  # both are read
    return found


def _both(tokens: list[str]) -> bool:
    found = _one(tokens)
    while tokens and tokens[0] == "AND":
        tokens.pop(0)
        found = _one(tokens) and found
    return found


def _one(tokens: list[str]) -> bool:
    token = tokens.pop(0)
    if token == "(":  # noqa: S105 - a parenthesis, not a secret
        found = _either(tokens)
        tokens.pop(0)
        return found
    if tokens[:1] == ["WITH"]:  # an exception only ever permits more
        del tokens[:2]
    return token in PERMISSIVE


def licence(about: metadata.PackageMetadata) -> str | None:
    """The licence that a distribution declares, in SPDX; None if it declares no known one."""
    (written,) = about.get_all("License-Expression") or [""]
    if written:
        return str(written)
    (text,) = about.get_all("License") or [""]
    if found := _spdx(text.strip()):
        return found
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in about.get_all("Classifier") or []
        if line.startswith("License :: OSI Approved :: ")
    ]
    # Classifiers cannot say whether there is a choice, so all of them are assumed to apply.
    known = sorted({_spdx(classifier) or "" for classifier in classifiers})
    return " AND ".join(known) if known and all(known) else None


def _spdx(text: str) -> str | None:
    found = SPDX_NAMES.get(text.lower(), text)
    try:
        return canonicalize_license_expression(found) if found else None
    except InvalidLicenseExpression:
        return None


def complaint(name: str, found: str | None, *, is_runtime: bool, fenced: frozenset[str]) -> str | None:
    """What is wrong with a distribution's licence, as a sentence; None if nothing is.

    Args:
        name: the distribution's, normalized.
        found: its licence in SPDX, None if unknown.
        is_runtime: whether the system needs it, not only its tests.
        fenced: modules that import contracts forbid.
    """
    if found is not None and is_permissive(found):
        return None
    exempt = EXCEPTIONS.get(name)
    if exempt is None:
        named = f"has the licence {found}" if found else "names no licence that is known"
        return f"{name} {named}. Replace it, or give the reason and the fence in deploy/licence_exceptions.py."
    if found != exempt.licence:
        return f"{name} has the licence {found}; its exception is for {exempt.licence}."
    if exempt.fence == TESTS_ONLY:
        return f"{name} ({found}) is for tests only, and requirements.lock has it." if is_runtime else None
    if exempt.fence is not None and exempt.fence not in fenced:
        return f"{name} ({found}) needs an import contract in pyproject.toml that forbids {exempt.fence}."
    return None


def locked(lock: Path) -> set[str]:
    """The distributions that a lock file names for this interpreter, normalized."""
    lines = re.findall(r"^([A-Za-z0-9][^\\\n#]*==[^\\\n#]*)", lock.read_text(encoding="utf-8"), re.MULTILINE)
    wanted = (Requirement(line.strip()) for line in lines)
    return {canonicalize_name(one.name) for one in wanted if one.marker is None or one.marker.evaluate()}


def fenced_modules(pyproject: Path) -> frozenset[str]:
    """The modules that an import contract forbids other modules to import."""
    contracts = tomllib.loads(pyproject.read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    return frozenset(module for contract in contracts for module in contract.get("forbidden_modules", ()))


def has_binaries_of_others(files: Iterable[metadata.PackagePath]) -> bool:
    """Whether the files include a program or a shared library that is not a Python extension module."""
    for file in files:
        if file.suffix in _NOT_NATIVE or _EXTENSION_MODULE.search(str(file)):
            continue
        path = Path(str(file.locate()))
        if path.is_file():
            with path.open("rb") as opened:
                if opened.read(len(_ELF)) == _ELF:
                    return True
    return False


def complaints() -> Iterator[str]:
    """Everything that is wrong with the installed distributions of both lock files."""
    runtime, development = locked(RUNTIME_LOCK), locked(DEVELOPMENT_LOCK)
    fenced = fenced_modules(ROOT / "pyproject.toml")
    for name in sorted(runtime | development):
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            yield f"{name} is in a lock file and not installed: run deploy/setup.sh check."
            continue
        found = complaint(name, licence(distribution.metadata), is_runtime=name in runtime, fenced=fenced)
        if found:
            yield found
        if name in runtime and name not in BUNDLED and has_binaries_of_others(distribution.files or ()):
            yield f"{name} contains programs or libraries of others. Say in deploy/licence_exceptions.py which."
    for name in sorted((EXCEPTIONS.keys() | BUNDLED.keys()) - runtime - development):
        yield f"{name} is no longer in a lock file: take it out of deploy/licence_exceptions.py."


def main() -> None:
    """Print what is wrong; exit code 1 if anything is."""
    found = list(complaints())
    print("\n".join(found) if found else "Licences: permissive, or fenced with a reason.")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
