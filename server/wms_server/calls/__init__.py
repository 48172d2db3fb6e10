"""One call from its bytes to its response: validation, batching, streaming and errors."""
