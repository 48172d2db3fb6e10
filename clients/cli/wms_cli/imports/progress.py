"""How far an import has come, in a small file beside the one that is imported, and what was refused."""

import fcntl
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self


class CannotGoOn(Exception):
    """What is beside the file does not belong to it, or another import is at work; says what to do."""


@dataclass(slots=True)
class Progress:
    """Everything up to `offset` is done and told in the counts; nothing after it is."""

    digest: str  # of the whole file
    offset: int = 0
    line: int = 0
    created: int = 0
    already_there: int = 0
    rejected: int = 0
    blank: int = 0
    rejects_size: int = 0
    done: bool = False


class Journal:
    """Progress and rejects on disk; a kill at any moment leaves them in agreement."""

    def __init__(self, file: Path, folder: Path) -> None:
        """Keep them in a folder, under names that follow from the file's."""
        self.progress_file = folder / f"{file.name}.progress.json"
        self.rejects_file = folder / f"{file.name}.rejects.jsonl"
        self._rejects: BinaryIO | None = None

    def __enter__(self) -> Self:
        """Lock them. Raises CannotGoOn, OSError."""
        self._rejects = self.rejects_file.open("ab")
        try:
            fcntl.flock(self._rejects, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._rejects.close()
            raise CannotGoOn("Another import of this file is at work.") from None
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of them; a file of no rejects is removed."""
        if self._rejects is not None:
            if not self._rejects.tell():
                self.rejects_file.unlink(missing_ok=True)
            self._rejects.close()

    def begin(self, digest: str) -> Progress:
        """Give how far the file with this digest has come. Raises CannotGoOn."""
        progress = self._read()
        if progress is None:
            progress = Progress(digest)
        elif progress.digest != digest:
            raise CannotGoOn(
                f"The file is not the one that {self.progress_file} tells of: it has been changed. "
                "To import it as a new one, with new orders where none has an id, remove that file first."
            )
        assert self._rejects is not None
        # Rejects that were written by one that was killed before it could say so.
        self._rejects.truncate(progress.rejects_size)
        self._rejects.seek(0, os.SEEK_END)
        return progress

    def keep(self, progress: Progress, rejects: Iterable[dict[str, Any]]) -> None:
        """Write rejects down, then the progress that counts them."""
        assert self._rejects is not None
        for reject in rejects:
            self._rejects.write(json.dumps(reject, ensure_ascii=False).encode() + b"\n")
        self._rejects.flush()
        os.fsync(self._rejects.fileno())
        progress.rejects_size = self._rejects.tell()
        written = self.progress_file.with_suffix(".new")
        with written.open("w", encoding="utf-8") as file:
            json.dump(asdict(progress), file)
            file.flush()
            os.fsync(file.fileno())
        written.replace(self.progress_file)

    @property
    def lines(self) -> int:
        """How many lines are known to be done, should the import end now."""
        progress = self._read()
        return progress.line if progress else 0

    def _read(self) -> Progress | None:
        try:
            return Progress(**json.loads(self.progress_file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            raise CannotGoOn(
                f"{self.progress_file} can't be read. Remove it to begin again: no order is made twice."
            ) from None
