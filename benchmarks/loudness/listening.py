"""docs/listening.html: for each voice, the two neighbours that differed most, before and after. One file, no network.

*Before* is what mastering an episode as a whole gives: the chunks as the engine spoke them, with one gain that brings
them all together to the target, and the limiter. *After* is cut from the finished file. Both are as loud as a whole.
"""

from __future__ import annotations

import base64
import html
import subprocess
from collections.abc import Sequence
from typing import Final

import numpy as np

from benchmarks.loudness.episodes import Result
from benchmarks.loudness.measuring import SHORT_TERM_SECONDS, Neighbours, loudness
from shared.audio.loudness import Samples
from shared.audio.segments.mastering import TARGET_LUFS, limit

CLIP_KILOBITS: Final = 40
_SIDE_SECONDS: Final = 2.5
"""Heard of each of the two chunks."""
_PAUSE_SECONDS: Final = 0.4
_FFMPEG_SECONDS: Final = 60.0
_STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1f;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.1rem;margin:0 0 .5rem}
section{border:1px solid #d5d5dc;border-radius:.5rem;padding:1rem;margin:1rem 0}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(18rem,1fr));gap:1rem}
figure{margin:0}figcaption{font-size:.95rem;margin-bottom:.35rem}audio{width:100%}
table{border-collapse:collapse;font-size:.95rem;margin:.35rem 0}td,th{padding:.1rem .8rem .1rem 0;text-align:left}
td{font-variant-numeric:tabular-nums}footer{color:#5c5c66;font-size:.9rem}
@media(prefers-color-scheme:dark){body{color:#e8e8ee;background:#17171b}section{border-color:#3a3a44}footer{color:#a0a0ac}}
"""


def page(found: Sequence[Result], conditions: str) -> str:
    """The whole page."""
    sections = "\n".join(_section(result) for result in found if result.voice.is_heard)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Before and after: loudness from chunk to chunk</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>Before and after: loudness from chunk to chunk</h1>
<p>For each voice, the two neighbouring chunks (of 3 s or more) that its engine spoke most differently: the end of the
first, a pause, and the beginning of the second. <em>Before</em>: one gain for the whole episode. <em>After</em>: cut
from the finished MP3, whose chunks were levelled one by one. Both episodes are equally loud as a whole. How this was
measured: <a href="loudness.md">loudness.md</a>.</p>
{sections}
<footer><p>{html.escape(conditions.replace("`", ""))}</p></footer>
</body>
</html>
"""


def _section(result: Result) -> str:
    pair = _pair(result)
    before, after = _clips(result, pair)
    lufs, peak = result.wholes["mp3"]
    return f"""<section>
<h2>{html.escape(result.voice.name.replace("`", ""))}</h2>
<p>The whole: {lufs:.1f} LUFS (target {TARGET_LUFS[result.voice.loudness]:.0f}), {peak:.1f} dBTP as decoded.
Chunks {pair.index + 1} and {pair.index + 2} of {len(result.sound.chunks)}.</p>
<div class="pair">
{_figure("Before", before, pair.before, pair.seam_before, result.sound.rate)}
{_figure("After", after, pair.after, pair.seam_after, result.sound.rate)}
</div>
</section>"""


def _figure(title: str, clip: Samples, step: float, seam: float, rate: int) -> str:
    sound = base64.b64encode(_mp3(clip, rate)).decode()
    return f"""<figure>
<figcaption><strong>{title}</strong></figcaption>
<audio controls preload="metadata" src="data:audio/mpeg;base64,{sound}"></audio>
<table>
<tr><th>second chunk against the first</th><td>{step:+.1f} LU</td></tr>
<tr><th>its first 3 s against the last 3 s before</th><td>{seam:+.1f} LU</td></tr>
</table>
</figure>"""


def _pair(result: Result) -> Neighbours:
    """The neighbours that differed most as the engine spoke them."""
    long = [pair for pair in result.neighbours if pair.seconds >= SHORT_TERM_SECONDS]
    return max(long, key=lambda pair: abs(pair.before))


def _clips(result: Result, pair: Neighbours) -> tuple[Samples, Samples]:
    """The end of one chunk and the beginning of the next, before and after."""
    sound = result.sound
    target = TARGET_LUFS[result.voice.loudness]
    spoken = loudness(np.concatenate(sound.chunks), sound.rate)
    if result.voice.loudness == "stereo":
        target -= 10 * np.log10(2)  # of one of two equal channels
    gain = target - spoken
    first, second = sound.chunks[pair.index], sound.chunks[pair.index + 1]
    before = limit(_joined(first, second, sound.rate), sound.rate, gain)
    return before, _joined(sound.after(pair.index), sound.after(pair.index + 1), sound.rate)


def _joined(first: Samples, second: Samples, rate: int) -> Samples:
    side = round(_SIDE_SECONDS * rate)
    pause = np.zeros(round(_PAUSE_SECONDS * rate), dtype=np.float32)
    return np.concatenate((first[-side:], pause, second[:side])).astype(np.float32)


def _mp3(samples: Samples, rate: int) -> bytes:
    command = ("ffmpeg", "-v", "error", "-f", "f32le", "-ar", str(rate), "-ac", "1", "-i", "-")
    output = ("-c:a", "libmp3lame", "-b:a", f"{CLIP_KILOBITS}k", "-map_metadata", "-1", "-f", "mp3", "-")
    run = subprocess.run(
        (*command, *output), input=samples.tobytes(), capture_output=True, check=True, timeout=_FFMPEG_SECONDS
    )
    return run.stdout
