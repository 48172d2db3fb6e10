"""Exit codes, a stable interface for scripts."""

from typing import Final

#: Success.
DONE: Final = 0
#: The service rejected the call, or is not healthy.
REFUSED: Final = 1
#: The command line or the input can't be parsed; typer uses this code, too.
NOT_UNDERSTOOD: Final = 2
#: There is no such order, entry, run, worker ...
NOT_FOUND: Final = 3
#: No response in time, or none at all; the change may have been made.
NO_ANSWER: Final = 4
#: Partial success; the skipped parts are reported.
PARTLY_DONE: Final = 5
#: Ended by Ctrl-C; the code that shells use.
INTERRUPTED: Final = 130
#: The reader of the output has closed it; the code that shells use.
PIPE_CLOSED: Final = 141

EXIT_CODE_HELP: Final = (
    "Exit codes: 0 success, 1 rejected, 2 invalid input, 3 not found, 4 no response, 5 partial success, "
    "130 ended by Ctrl-C."
)
