"""Show what a topic holds and what comes, until Ctrl-C: `python -m wms_dev.kafka BROKERS TOPIC`."""

import os
import sys

from wms_dev.kafka.consumer import consumer_command


def main() -> None:
    """Become the console consumer of Kafka; raises `JavaMissing`."""
    brokers, topic = sys.argv[1:]
    command = consumer_command(brokers, topic, field="  ", header=", ")
    os.execv(command[0], command)  # noqa: S606 - to become that program is what we are here for


if __name__ == "__main__":
    main()
