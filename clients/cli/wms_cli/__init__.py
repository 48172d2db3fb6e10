"""`wms-orders` for operators: a client that uses only the public API."""

import os

# grpc reads the variable at import. The commands print errors themselves; grpc would add log lines.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
