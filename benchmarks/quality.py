"""Sound quality at the same bit rate: the noise-to-mask ratio of joined files, beside ffmpeg's encodes of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from benchmarks import quality_episodes, whole_encodes
from benchmarks.environment import BenchEnvironment
from benchmarks.figures import Figure, Figures
from benchmarks.noise_to_mask import RATE, Audibility, Mask, gain_of, lag_of
from benchmarks.quality_episodes import Episode
from benchmarks.whole_encodes import as_the_assembler, at_rate, at_the_same_rate, decoded, with_reservoir
from shared.audio.loudness import Samples
from shared.protocol.messages import AudioFormat

TITLE = "Sound quality"
SHIFTS: Final = (0, 150, 300, 450)
"""Samples of silence before ffmpeg's encodes at our bit rate: where its frames begin in the speech is chance, and moves
the result. Ours are compared with the mean of them; their standard deviation is the repeatability."""
TOTAL_ALLOWED_DB: Final = 0.5
SEGMENTAL_ALLOWED_DB: Final = 0.1
"""What a difference may owe to chance. On 2026-11-29 the repeatability of one encode was 0.45 to 0.50 dB (total) and
0.05 to 0.06 dB (segmental); bit rates that differ by 0.5 % account for another 0.1 dB at most."""
COMPARED_BAND: Final = 0.45
"""Up to this share of the sample rate: above it is the transition of the filters that change sample rates."""
_ALIGNMENT_SECONDS: Final = 60


def run(environment: BenchEnvironment, *, quick: bool = False) -> Figures:
    ours: dict[AudioFormat, list[_Compared]] = {}
    figures: Figures = {}
    for voice, episodes in quality_episodes.rendered(environment, quick=quick).items():
        for name, episode in episodes.items():
            ours.setdefault(name, []).append(_Compared(voice.name, name, episode))
    for name, compared in ours.items():
        figures |= _of_format(name, compared)
    everything = [each for some in ours.values() for each in some]
    figures["repeatability of one encode (standard deviation), total NMR"] = Figure(
        _spread([[heard.total_db for heard in each.same] for each in everything]), "dB"
    )
    figures["repeatability of one encode, segmental NMR"] = Figure(
        _spread([[heard.segmental_db for heard in each.same] for each in everything]), "dB"
    )
    return figures


class _Compared:
    """One episode in one format, and ffmpeg's encodes of the same sound; bit rates in bits a second."""

    def __init__(self, voice: str, name: AudioFormat, episode: Episode) -> None:
        self.voice = voice
        sound, rate, folder = episode.mastered, episode.rate, episode.path.parent
        original = at_rate(sound, rate)
        mask = Mask(original, COMPARED_BAND * rate)
        self.bits = whole_encodes.bits_a_second(episode.path, len(sound) / rate)
        self.ours = _heard(mask, decoded(episode.path), f"{voice}, {name}")
        whole = as_the_assembler(sound, rate, name, folder)
        self.whole_bits, self.whole = whole.bits_a_second, _heard(mask, decoded(whole.path), f"{voice}, {whole.path}")
        self.reservoir: tuple[float, Audibility] | None = None
        if name == "mp3":
            made = with_reservoir(sound, rate, folder)
            self.reservoir = made.bits_a_second, _heard(mask, decoded(made.path), f"{voice}, {made.path}")
        self.same_bits: list[float] = []
        self.same: list[Audibility] = []
        for shift in SHIFTS:
            shifted = np.pad(sound, (shift, 0))
            made = at_the_same_rate(shifted, rate, name, folder, self.bits)
            self.same_bits.append(made.bits_a_second)
            self.same.append(_heard(mask, decoded(made.path)[shift * RATE // rate :], f"{voice}, {made.path}"))


def _heard(mask: Mask, sound: Samples, what: str) -> Audibility:
    """Compare a decoded file; it must be aligned to the sample, as gapless files are.

    Raises:
        RuntimeError: it is not.
    """
    length, first = len(mask.original), _ALIGNMENT_SECONDS * RATE
    sound = np.pad(sound[:length], (0, max(0, length - len(sound))))
    lag = lag_of(mask.original[:first], sound[:first])
    if lag:
        raise RuntimeError(f"{what}: {lag} samples late.")
    return mask.audibility(sound * np.float32(gain_of(mask.original, sound)))


def _of_format(name: AudioFormat, compared: Sequence[_Compared]) -> Figures:
    figures: Figures = {}
    encodes = {
        "joined": [(each.bits, [each.ours]) for each in compared],
        "ffmpeg as the assembler runs it": [(each.whole_bits, [each.whole]) for each in compared],
        "the same VBR with a bit reservoir": [
            (each.reservoir[0], [each.reservoir[1]]) for each in compared if each.reservoir is not None
        ],
        "ffmpeg at the same bit rate": [(float(np.mean(each.same_bits)), each.same) for each in compared],
    }
    for who, made in encodes.items():
        if made:  # means of the voices
            heard = [one for _, some in made for one in some]
            bits = float(np.mean([one for one, _ in made]))
            figures[f"{name}, {who}: bit rate"] = Figure(bits / 1_000, "kbit/s")
            figures[f"{name}, {who}: total NMR"] = Figure(_mean(heard, "total_db"), "dB")
            figures[f"{name}, {who}: segmental NMR"] = Figure(_mean(heard, "segmental_db"), "dB")
            figures[f"{name}, {who}: disturbed frames"] = Figure(100 * _mean(heard, "disturbed"), "%")
    for each in compared:
        what = f"{name}, {each.voice}: joined minus ffmpeg at the same bit rate"
        total, segmental, disturbed = (
            _mean([each.ours], field) - _mean(each.same, field) for field in ("total_db", "segmental_db", "disturbed")
        )
        figures[f"{what}, total NMR"] = Figure(total, "dB", at_most=TOTAL_ALLOWED_DB)
        figures[f"{what}, segmental NMR"] = Figure(segmental, "dB", at_most=SEGMENTAL_ALLOWED_DB)
        figures[f"{what}, disturbed frames"] = Figure(100 * disturbed, "points")
    return figures


def _mean(heard: Sequence[Audibility], field: str) -> float:
    return float(np.mean([getattr(each, field) for each in heard]))


def _spread(groups: Sequence[Sequence[float]]) -> float:
    """The standard deviation inside of the groups, pooled."""
    return float(np.sqrt(np.mean([np.var(group, ddof=1) for group in groups])))
