"""Generates the clients from the protos: `python -m wms_dev.codegen`.

With `--check` it changes no file and reports stale committed clients. The output is reproducible: file names
are sorted, and every generator is pinned, for Python by this environment, for the others in the folder of the
client. A language whose tools are missing on this machine is skipped with a message; with CI=true this is an
error. The version and the repository of the root pyproject.toml are written into the manifests of the
clients.
"""

from wms_dev.codegen.clients import ALL_CLIENTS, PYTHON, LanguageClient
from wms_dev.codegen.comparison import find_differences
from wms_dev.codegen.protos import PROTOS, ROOT, WMS_PROTO_FOLDER, proto_files

__all__ = [
    "ALL_CLIENTS",
    "PROTOS",
    "PYTHON",
    "ROOT",
    "WMS_PROTO_FOLDER",
    "LanguageClient",
    "find_differences",
    "proto_files",
]
