"""Makes the clients from the protos: `python -m wms_dev.generate`.

With `--check` it changes nothing and tells whether a committed client is stale. The same protos give the
same bytes: files are named in sorted order, and every generator is pinned: those of Python by the environment
this runs in, the others in their client's own folder. A language whose tools are not on this machine is left
out with a word, and is an error with CI=true. The version and the repository of the root pyproject.toml are
written into the manifests of the clients.
"""

from wms_dev.generate.clients import ALL, PYTHON, Client
from wms_dev.generate.comparison import differences
from wms_dev.generate.protos import OURS, PROTOS, ROOT, proto_files

__all__ = ["ALL", "OURS", "PROTOS", "PYTHON", "ROOT", "Client", "differences", "proto_files"]
