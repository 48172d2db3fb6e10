"""Runtime of all processes: listeners, background tasks, logging, tracing, health and clocks."""
