"""Changes the level of a whole episode that missed its loudness or peak, without an encode, where its format allows it.

Opus has an output gain in its header, in 256ths of a dB. MP3 has one in each granule, in steps of 1.5 dB, so a third of
all levels lies too far from any step. What cannot be changed in this way is mastered and encoded again as a whole.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Final

from services.assembler.joining import Joined
from services.assembler.verification import TRUE_PEAK_LIMIT_DBTP
from shared.audio.joining.ogg import GAIN_STEP_DB
from shared.audio.segments import mp3_gain
from shared.audio.segments.mastering import TARGET_LUFS
from shared.protocol.messages import AudioFormat, LoudnessProfile

STEPS_DB: Final[dict[AudioFormat, float]] = {"mp3": mp3_gain.STEP_DB, "opus": GAIN_STEP_DB}
GAIN_LIMIT_DB: Final = 20.0
"""If it is further off, something other than its level is wrong."""


def moved(joined: Joined, profile: LoudnessProfile) -> Joined | None:
    """The episode with another level and on target; None if it cannot be brought there in this way.

    If it has a `change` now, its file must be made again with it, which may turn out to be impossible.
    """
    step = STEPS_DB.get(joined.codec.format)
    miss = TARGET_LUFS[profile] - joined.loudness_lufs
    if step is None or not abs(miss) <= GAIN_LIMIT_DB:
        return None
    steps = min(round(miss / step), math.floor((TRUE_PEAK_LIMIT_DBTP - joined.true_peak_dbtp) / step))
    gain = steps * step
    repaired = replace(joined, loudness_lufs=joined.loudness_lufs + gain, true_peak_dbtp=joined.true_peak_dbtp + gain)
    if not repaired.is_on_target(profile):
        return None
    if joined.codec.format == "opus":
        return replace(repaired, output_gain_db=gain)
    return replace(repaired, change=partial(mp3_gain.moved, steps=steps))
