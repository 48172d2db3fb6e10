"""What connections to the database are used for; each kind has connections of its own (docs/adr/0031)."""

from dataclasses import dataclass
from enum import Enum


class Workload(Enum):
    """A kind of work in the database, by how long it holds a connection and who waits for it."""

    #: Reads of single things, by callers.
    READ = "reads"
    #: Lists and statistics.
    LIST = "lists"
    #: Changes of single things.
    WRITE = "writes"
    #: Batches.
    BULK = "batches"
    #: Changes that have met a lock of somebody else, and wait for it.
    CONTENDED = "writes that wait for a lock"
    #: What no caller waits for.
    BACKGROUND = "background tasks"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a connection is used for, and by which caller, of whom each has his turn.

    Work that is not `patient` fails when it meets a lock, without waiting for it.
    """

    workload: Workload = Workload.BACKGROUND
    caller: str = ""
    patient: bool = True


#: What no caller waits for.
BACKGROUND = Usage()
