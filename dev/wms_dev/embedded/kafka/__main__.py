"""Print all messages of a topic until Ctrl-C: `python -m wms_dev.embedded.kafka BROKERS TOPIC`."""

import os
import sys

from wms_dev.embedded.kafka.console_consumer import build_consumer_command


def main() -> None:
    """Replace this process by Kafka's console consumer. Raise `JavaMissing` without Java."""
    brokers, topic = sys.argv[1:]
    command = build_consumer_command(brokers, topic, field="  ", header=", ")
    os.execv(command[0], command)  # noqa: S606 - replaces this process on purpose


if __name__ == "__main__":
    main()
