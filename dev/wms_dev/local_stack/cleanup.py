"""The process that cleans up after the launcher: `python -m wms_dev.local_stack.cleanup FOLDER`.

It reads the process ids of the launcher's children from its input, one on a line. The end of the input means
that the launcher has exited, orderly or not. Then this process stops the remaining children and removes the
folder.
"""

import shutil
import signal
import sys

from wms_dev.local_stack.process_identity import ProcessIdentity, identify_process, terminate_all

GRACE_SECONDS = 15.0


def main() -> None:
    """Wait for the end of the input, then stop the children and remove the folder."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    children: list[ProcessIdentity] = [identify_process(int(line)) for line in sys.stdin]
    terminate_all(children, GRACE_SECONDS)
    shutil.rmtree(sys.argv[1], ignore_errors=True)


if __name__ == "__main__":
    main()
