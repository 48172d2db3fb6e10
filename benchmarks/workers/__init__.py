"""Orders per second of the worker's cycle, compared with job queues and workflow engines."""
