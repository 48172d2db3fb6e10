"""`wms-orders` for operators: a client of the public API, and of nothing else."""

import os

# grpc reads it when it is imported. What is wrong is told by these commands, in words.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
