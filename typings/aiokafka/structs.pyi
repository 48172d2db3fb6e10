class RecordMetadata:
    topic: str
    partition: int
    offset: int
