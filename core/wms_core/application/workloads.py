"""Kinds of database work; each has its own share of the connections (docs/adr/0031)."""

from dataclasses import dataclass
from enum import Enum


class WorkloadType(Enum):
    """A kind of database work, by the time it holds a connection and by its callers."""

    #: Calls that read single resources.
    READ = "reads"
    #: Calls for lists and statistics.
    LIST = "lists"
    #: Calls that change single resources.
    WRITE = "writes"
    #: Batches of calls.
    BULK = "batches"
    #: Changes that wait for a lock of another transaction.
    CONTENDED = "writes that wait for a lock"
    #: Work without a waiting caller.
    BACKGROUND = "background tasks"


@dataclass(frozen=True, slots=True)
class PoolUsage:
    """Purpose of a connection and the caller, for a fair share between callers.

    Work that is not `is_patient` fails at a lock instead of waiting for it.
    """

    workload_type: WorkloadType = WorkloadType.BACKGROUND
    caller: str = ""
    is_patient: bool = True


#: The usage of work without a waiting caller.
BACKGROUND_USAGE = PoolUsage()
