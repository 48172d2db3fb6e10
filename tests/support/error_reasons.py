"""What `error.proto` says of each reason: its code, and the keys of its metadata."""

import re
from dataclasses import dataclass
from pathlib import Path

from wms_core.domain.errors import WmsError

_FILE = Path(__file__).parents[2] / "protos" / "wms" / "orders" / "v1" / "error.proto"


@dataclass(frozen=True, slots=True)
class Documented:
    """One reason as it is documented: all `keys` come, except where one or none of them does."""

    code: str
    keys: frozenset[str]
    always: bool


def documented_reasons() -> dict[str, Documented]:
    """Read the contract's documentation of every reason but the unspecified one."""
    blocks = re.findall(r"((?: +//[^\n]*\n)+) +ERROR_REASON_(\w+) = [1-9]", _FILE.read_text())
    return {reason: _read(" ".join(re.findall(r"// ?([^\n]*)", block))) for block, reason in blocks}


def _read(text: str) -> Documented:
    found = re.search(r"Code: (\w+)\. Metadata: (.*?)(?:\s{2,}|$)", text)
    assert found, text
    metadata = found[2].partition("; a `google.rpc.BadRequest`")[0]
    keys = frozenset() if metadata.startswith("none") else frozenset(re.findall(r"`(\w+)`", metadata))
    return Documented(found[1], keys, always=" or " not in metadata and " when a " not in metadata)


def reasons_in_code() -> set[str]:
    """Give the reason of every error class that there is; INTERNAL is that of faults nobody expects."""
    return _reasons(WmsError)


def _reasons(kind: type[WmsError]) -> set[str]:
    return {kind.reason}.union(*(_reasons(child) for child in kind.__subclasses__()))
