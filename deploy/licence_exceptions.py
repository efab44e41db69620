"""What `deploy.licences` accepts although it is not permissive, and why."""

from __future__ import annotations

from dataclasses import dataclass

TESTS_ONLY = "tests only"
"""A fence: the distribution is in requirements-dev.lock and not in requirements.lock."""


@dataclass(frozen=True, slots=True)
class Exempt:
    """Why a distribution is accepted although its licence is not permissive.

    Attributes:
        licence: the licence that this holds for, in SPDX; a different one must be considered afresh.
        reason: one sentence.
        fence: `TESTS_ONLY`, or the module that an import contract in pyproject.toml forbids; None where none is needed.
    """

    licence: str
    reason: str
    fence: str | None = None


EXCEPTIONS = {
    "piper-tts": Exempt(
        "GPL-3.0-or-later",
        "Only the worker processes of our speech server import it; everything else speaks HTTP with them.",
        fence="piper",
    ),
    "mutagen": Exempt("GPL-2.0-or-later", "Reads back, in tests, the tags that we write.", fence=TESTS_ONLY),
    "hypothesis": Exempt("MPL-2.0", "A test tool, used unchanged.", fence=TESTS_ONLY),
    "pathspec": Exempt("MPL-2.0", "Comes with mypy; a development tool, used unchanged.", fence=TESTS_ONLY),
    "certifi": Exempt("MPL-2.0", "Copyleft for its own files alone, which are used unchanged."),
    "tld": Exempt(
        "MPL-1.1 OR GPL-2.0-only OR LGPL-2.1-or-later",
        "Comes with trafilatura; of the three we take MPL-1.1, which covers its own files alone, used unchanged.",
    ),
    "soxr": Exempt(
        "LGPL-2.1-or-later", "Imported as a module of its own that anyone can replace (LGPL-2.1 §6), used unchanged."
    ),
}

BUNDLED = {
    "numpy": "OpenBLAS (BSD-3-Clause); libgfortran and libquadmath (GPL with the runtime exception, LGPL).",
    "onnxruntime": "its own library (MIT).",
    "pillow": "libjpeg-turbo, libpng, libwebp, libtiff, OpenJPEG, libavif, FreeType, lcms and others, all permissive.",
    "piper-tts": "espeak-ng (GPL-3.0-or-later), behind the same fence.",
    "pypandoc-binary": "pandoc (GPL-2.0-or-later), a separate program that the chunker starts as a child.",
    "pypdfium2": "PDFium (BSD-3-Clause, Apache-2.0) with FreeType, ICU, lcms, zlib and others, all permissive.",
    "soundfile": "libsndfile, mpg123 and LAME (LGPL), a shared library that anyone can replace.",
}
"""Distributions of requirements.lock that contain third-party programs or shared libraries, and which."""
