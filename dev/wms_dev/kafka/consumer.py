"""Kafka's own console consumer, from the broker's jars: a reader that no one here wrote."""

from wms_dev.java import find_java, maven_jars
from wms_dev.kafka.cluster import POM

# Characters that neither keys nor headers nor JSON hold.
FIELD, HEADER = "\x1f", "\x1e"
JAVA_OPTIONS = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
MAIN = "org.apache.kafka.tools.consumer.ConsoleConsumer"
SHOWN = ("partition", "offset", "headers", "key")


def consumer_command(
    brokers: str, topic: str, count: int | None = None, *, field: str = FIELD, header: str = HEADER
) -> list[str]:
    """The command that reads a topic from its beginning, all of it and on, or `count` records.

    It writes a line for each: `Partition:0`, `Offset:0`, headers, key and value, with `field` between them
    and `header` between headers. Raises `JavaMissing`.
    """
    formatting = {f"print.{part}": "true" for part in SHOWN}
    formatting |= {"key.separator": field, "headers.separator": header}
    words = [str(find_java()), *JAVA_OPTIONS, "-cp", f"{maven_jars('kafka', POM)}/*", MAIN]
    words += ["--bootstrap-server", brokers, "--topic", topic, "--from-beginning"]
    words += [word for name, value in formatting.items() for word in ("--property", f"{name}={value}")]
    return words if count is None else [*words, "--max-messages", str(count)]
