"""The exit codes, which scripts may rely on."""

from typing import Final

#: Done, and nothing to complain of.
DONE: Final = 0
#: The service understood and refused, or said that it is not well.
REFUSED: Final = 1
#: The command line, or what was to be read, can't be understood; the first of these is typer's own.
NOT_UNDERSTOOD: Final = 2
#: There is no such order, entry, run, worker, ...
NOT_THERE: Final = 3
#: No answer in time, or none at all; what was to be changed may have been.
NO_ANSWER: Final = 4
#: Done in part: what was left out is told.
IN_PART: Final = 5
#: Ended by Ctrl-C, as shells count it.
INTERRUPTED: Final = 130
#: Nobody reads the output any more, as shells count it.
PIPE_CLOSED: Final = 141

TOLD: Final = (
    "Exit codes: 0 done, 1 refused, 2 not understood, 3 not there, 4 no answer, 5 done in part, "
    "130 ended by Ctrl-C."
)
