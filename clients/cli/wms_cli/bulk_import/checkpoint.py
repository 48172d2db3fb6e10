"""Checkpoint of an import and the file of rejected lines, both beside the imported file."""

import fcntl
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self


class ImportNotResumable(Exception):
    """The checkpoint belongs to another file, or another import is running; the message has the remedy."""


@dataclass(slots=True)
class Checkpoint:
    """Progress of an import: the lines up to `offset` are done and counted, the lines after it are not."""

    digest: str  # of the whole file
    offset: int = 0
    line: int = 0
    created: int = 0
    already_there: int = 0
    rejected: int = 0
    blank: int = 0
    rejects_size: int = 0
    done: bool = False


class CheckpointStore:
    """Checkpoint and rejected lines on disk, in `folder`, under names derived from the name of `file`.

    A kill at any moment leaves the two files consistent.
    """

    def __init__(self, file: Path, folder: Path) -> None:
        self.checkpoint_file = folder / f"{file.name}.progress.json"
        self.rejects_file = folder / f"{file.name}.rejects.jsonl"
        self._rejects: BinaryIO | None = None

    def __enter__(self) -> Self:
        """Lock the files. Raises ImportNotResumable, OSError."""
        self._rejects = self.rejects_file.open("ab")
        try:
            fcntl.flock(self._rejects, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._rejects.close()
            raise ImportNotResumable("Another import of this file is running.") from None
        return self

    def __exit__(self, *_: object) -> None:
        """Release the lock, and remove the file of rejects if it is empty."""
        if self._rejects is not None:
            if not self._rejects.tell():
                self.rejects_file.unlink(missing_ok=True)
            self._rejects.close()

    def load_checkpoint(self, digest: str) -> Checkpoint:
        """Return the checkpoint of the file with this digest. Raises ImportNotResumable."""
        checkpoint = self._read_checkpoint()
        if checkpoint is None:
            checkpoint = Checkpoint(digest)
        elif checkpoint.digest != digest:
            raise ImportNotResumable(
                f"The checkpoint {self.checkpoint_file} belongs to another file: this one has been changed. "
                "To import it anew, remove the checkpoint; lines without an order id create new orders."
            )
        assert self._rejects is not None
        # An import that was killed before it saved its checkpoint may have written more rejects.
        self._rejects.truncate(checkpoint.rejects_size)
        self._rejects.seek(0, os.SEEK_END)
        return checkpoint

    def save_checkpoint(self, checkpoint: Checkpoint, rejects: Iterable[dict[str, Any]]) -> None:
        """Write the rejects to disk, then the checkpoint that counts them."""
        assert self._rejects is not None
        for reject in rejects:
            self._rejects.write(json.dumps(reject, ensure_ascii=False).encode() + b"\n")
        self._rejects.flush()
        os.fsync(self._rejects.fileno())
        checkpoint.rejects_size = self._rejects.tell()
        new_file = self.checkpoint_file.with_suffix(".new")
        with new_file.open("w", encoding="utf-8") as file:
            json.dump(asdict(checkpoint), file)
            file.flush()
            os.fsync(file.fileno())
        new_file.replace(self.checkpoint_file)

    @property
    def completed_lines(self) -> int:
        """The number of completed lines in the saved checkpoint."""
        checkpoint = self._read_checkpoint()
        return checkpoint.line if checkpoint else 0

    def _read_checkpoint(self) -> Checkpoint | None:
        try:
            return Checkpoint(**json.loads(self.checkpoint_file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            raise ImportNotResumable(
                f"{self.checkpoint_file} is unreadable. Remove it to begin again: no order is created twice."
            ) from None
