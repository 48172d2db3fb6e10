"""Orders a second of the worker's cycle, beside those of job queues and workflow engines."""
