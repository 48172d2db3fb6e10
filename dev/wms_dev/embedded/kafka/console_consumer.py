"""Kafka's console consumer, from the jars of the broker: a reader independent of this project."""

from wms_dev.embedded.jvm import fetch_maven_jars, find_java
from wms_dev.embedded.kafka.cluster import POM

# Characters that occur in no key, header or JSON value.
FIELD, HEADER = "\x1f", "\x1e"
JAVA_OPTIONS = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
MAIN = "org.apache.kafka.tools.consumer.ConsoleConsumer"
PRINTED_PARTS = ("partition", "offset", "headers", "key")


def build_consumer_command(
    brokers: str, topic: str, count: int | None = None, *, field: str = FIELD, header: str = HEADER
) -> list[str]:
    """Return the command that reads a topic from its beginning: `count` records, or without an end.

    It prints a line for each record: `Partition:0`, `Offset:0`, headers, key and value, separated by `field`,
    and headers separated by `header`.

    Raises:
        JavaMissing: There is no Java, or the jars cannot be fetched.
    """
    formatting = {f"print.{part}": "true" for part in PRINTED_PARTS}
    formatting |= {"key.separator": field, "headers.separator": header}
    command = [str(find_java()), *JAVA_OPTIONS, "-cp", f"{fetch_maven_jars('kafka', POM)}/*", MAIN]
    command += ["--bootstrap-server", brokers, "--topic", topic, "--from-beginning"]
    command += [
        argument for name, value in formatting.items() for argument in ("--property", f"{name}={value}")
    ]
    return command if count is None else [*command, "--max-messages", str(count)]
