"""The files of a job's chapters, unpacked from its archive (`zip`) into a folder: all of them, or none."""

from __future__ import annotations

import shutil
import zipfile
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Final

from shared.client.fetching import Get, put_together
from shared.deadlines import in_thread
from shared.errors import BadInput, NotFound
from shared.protocol.messages import JobStatus

ARCHIVE: Final = "zip"
"""Kind in `JobStatus.files`."""
_PIECE_BYTES: Final = 1 << 20


async def fetch_chapters(get: Get, folder: Path, status: JobStatus) -> list[Path]:
    """Get the archive of a job, and unpack it into a folder, which is made if it is missing.

    Files that are there under the same names are replaced; no others are touched.

    Args:
        get: gets a file of the job (kind, path).
        folder: where the files go.
        status: of a completed job.

    Returns:
        Where the files are.

    Raises:
        NotFound: the job made no such archive.
        BadInput: it cannot be unpacked, or the files cannot be written.
        StoreDown: the store does not answer.
    """
    if ARCHIVE not in status.files:
        raise NotFound(
            f"Job {status.job_id} made no file for each chapter.",
            hint="Render its source again with --chapter-files; what was spoken is not spoken again.",
        )

    async def fill(temporary: Path) -> list[Path]:
        packed, unpacked = temporary / "packed", temporary / "unpacked"
        for each in (packed, unpacked):
            each.mkdir()
        archive = packed / "chapters.zip"
        await get(ARCHIVE, archive)
        return await in_thread(partial(_unpack, archive, unpacked))

    _, files = await put_together(fill, folder, status)
    return files


def _unpack(path: Path, folder: Path) -> list[Path]:
    """Unpack an archive of plain files that are stored as they are: so it cannot become larger than it is.

    Raises:
        BadInput: it is damaged, or has anything else in it.
    """
    files: list[Path] = []
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                target = folder / entry.filename
                if not _is_plain(entry) or target.exists():
                    raise BadInput(f"The archive of the chapters has an entry that it should not have: {target.name}.")
                with archive.open(entry) as source, target.open("xb") as file:
                    shutil.copyfileobj(source, file, _PIECE_BYTES)
                files.append(target)
    except (zipfile.BadZipFile, EOFError) as error:
        raise BadInput("The archive of the chapters is damaged.", hint="Fetch it again.") from error
    return files


def _is_plain(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is a file of this folder, on any system."""
    name = entry.filename
    is_name = name == PurePosixPath(name).name == PureWindowsPath(name).name and not name.startswith(".")
    return (
        bool(name) and is_name and entry.compress_type == zipfile.ZIP_STORED and entry.compress_size == entry.file_size
    )
