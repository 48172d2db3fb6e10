"""The process that cleans up after the launcher: `python -m wms_dev.processes.guard FOLDER`.

On its input it is told the ids of the launcher's children, one a line. The end of the input is the end of
the launcher, orderly or not: then it ends what is left of them and removes the folder.
"""

import shutil
import signal
import sys

from wms_dev.processes.identity import Identity, end_all, identify

GRACE_SECONDS = 15.0


def main() -> None:
    """Wait for the end of the input, then clean up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    children: list[Identity] = [identify(int(line)) for line in sys.stdin]
    end_all(children, GRACE_SECONDS)
    shutil.rmtree(sys.argv[1], ignore_errors=True)


if __name__ == "__main__":
    main()
