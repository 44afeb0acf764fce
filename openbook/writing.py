"""Change a file of the book whole or not at all: whoever is interrupted, or has no room left, keeps the file as it was."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from openbook.findings import BookError, Finding


def write_file(path: Path, text: str, shown: str) -> None:
    """Give a file a new text in one step, its rights as they were; raise BookError, under the name `shown`, if that cannot be done."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")    # what begins with a dot is no part of the book
    try:
        fresh.write_bytes(text.encode("utf-8"))
        if path.exists():
            shutil.copymode(path, fresh)
        fresh.replace(path)
    except OSError as error:
        raise BookError([Finding(shown, 1, "file", f"the file cannot be written: {error.strerror}",
                                 "Mend its rights or those of its folder, or make room on the disk; it is as it was.")]) from None
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
