"""A summary of a job: a few lines for people, or one JSON document for programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.cli.durations import length
from shared.protocol.manifest import Manifest
from shared.protocol.messages import JobStatus
from shared.text import one_line as on_one_line
from shared.text import printable

_FAILURES_SHOWN = 5
_TEXT_SHOWN_CHARACTERS = 70


def document(status: JobStatus, plan: Manifest | None, outputs: Mapping[str, Path]) -> dict[str, Any]:
    """Everything about a job that has ended, for `--json`.

    The fields of `JobStatus`, and: `outputs` (format → path), `size_bytes` (format → size), `author`, `language`,
    `voice`, `model`, `chapters` (their titles), `omissions` (what was left out of the speech, and why) and `repairs`
    (what was wrong with the document, and how it was read after all).
    """
    return {
        **status.model_dump(mode="json"),
        "outputs": {kind: str(path) for kind, path in outputs.items()},
        "size_bytes": {kind: path.stat().st_size for kind, path in outputs.items()},
        **(
            {
                "author": plan.author,
                "language": plan.language,
                "voice": plan.voice,
                "model": plan.model,
                "chapters": [chapter.title for chapter in plan.chapters],
                "omissions": [omission.model_dump(mode="json") for omission in plan.omissions],
                "repairs": list(plan.repairs),
            }
            if plan is not None
            else {}
        ),
    }


def lines(status: JobStatus, plan: Manifest | None, outputs: Mapping[str, Path]) -> list[str]:
    """The same for people."""
    shown = [f"{printable(str(path))}  ({_size(path.stat().st_size)})" for path in outputs.values()]
    shown = shown or [f"job {status.job_id}"]
    about = [("title", status.title), ("length", length(status.audio_seconds))]
    if plan is not None:
        about += [("author", plan.author), ("chapters", str(len(plan.chapters)))]
    about.append(("chunks", str(status.chunks.total)))
    if status.loudness_lufs is not None and status.true_peak_dbtp is not None:
        about.append(("loudness", f"{status.loudness_lufs:.1f} LUFS, true peak {status.true_peak_dbtp:.1f} dBTP"))
    about.append(("time", ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in status.stages.items())))
    shown += [f"  {name:<9} {on_one_line(value)}" for name, value in about if value]
    shown += [f"  warning: {on_one_line(warning)}" for warning in status.warnings]
    if plan is not None and plan.repairs:
        shown.append("  repaired in the document:")
        shown += [f"    {on_one_line(repair)}" for repair in plan.repairs]
    if plan is not None and plan.omissions:
        shown.append("  left out of the speech:")
        shown += [f"    {one.count} {on_one_line(f'{one.kind}: {one.reason}')}" for one in plan.omissions]
    return shown


def failure(status: JobStatus) -> str:
    """Why a job failed or was cancelled, in one sentence or a few lines."""
    if status.state == "cancelled":
        reason = on_one_line(status.error or "no reason was given").rstrip(".")
        return f"Job {status.job_id} was cancelled: {reason}."
    several = status.failures[:_FAILURES_SHOWN] if len(status.failures) > 1 else ()
    return "\n".join(
        (
            on_one_line(status.error or f"Job {status.job_id} failed without a reason."),
            *(
                f"  chunk {one.index}: {on_one_line(one.reason)} (“{on_one_line(one.text[:_TEXT_SHOWN_CHARACTERS])}”)"
                for one in several
            ),
        )
    )


def one_line(status: JobStatus) -> str:
    """A job in a list."""
    counts = status.chunks
    chunks = f"{counts.done}/{counts.total}" if counts.total else "-"
    return f"{status.job_id:<36}  {status.state:<10}  {chunks:>9}  {on_one_line(status.title)}"


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e5 else f"{size_bytes / 1e3:.1f} kB"  # noqa: PLR2004 - 0.1 MB
