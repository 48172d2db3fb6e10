"""`python -m wms_dev.documents [--check]`."""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from wms_dev.documents import asyncapi, configuration, events, functions, schema, state_machine
from wms_dev.documents.catalog import catalog_of
from wms_dev.documents.marked import with_part
from wms_dev.documents.openapi import document as openapi
from wms_dev.embedded_postgres import EmbeddedPostgres, temporary_data_dir

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the generated parts, or with `--check` only compare; 1 when a document is stale."""
    parser = argparse.ArgumentParser(
        prog="wms_dev.documents", description="Write what follows from the code."
    )
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a document is stale")
    check = parser.parse_args(arguments).check
    stale = []
    for name, fresh in documents().items():
        path = DOCS / name
        if not path.exists() or fresh != path.read_text(encoding="utf-8"):
            stale.append(name)
            if not check:
                path.write_text(fresh, encoding="utf-8")
    return report(stale, check=check)


def documents() -> Mapping[str, str]:
    """Give each document as it has to be, by file name."""
    mixed = {
        name: with_part((DOCS / name).read_text(encoding="utf-8"), part) for name, part in parts().items()
    }
    return {**mixed, "asyncapi.json": asyncapi.document(), "openapi.json": openapi.document()}


def parts() -> Mapping[str, str]:
    """Give the generated part of each document, by file name."""
    with EmbeddedPostgres(temporary_data_dir(), ephemeral=True) as postgres:
        catalog = asyncio.run(catalog_of(postgres.start()))
    return {
        "state_machine.md": state_machine.part(),
        "schema.md": schema.part(catalog),
        "reference/functions.md": functions.part(),
        "configuration.md": configuration.part(),
        "events.md": events.part(),
    }


def report(stale: Sequence[str], *, check: bool) -> int:
    """Say which documents were stale; the exit status."""
    for name in stale:
        print(f"{'stale' if check else 'wrote'}: docs/{name}")
    if check and stale:
        print("Run `make generate` and commit the result.", file=sys.stderr)
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
