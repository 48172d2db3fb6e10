"""The command line of the generator: `python -m wms_dev.docs_generator [--check]`."""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from wms_dev.docs_generator import asyncapi, configuration, events, functions, schema, state_machine
from wms_dev.docs_generator.catalog import catalog_of
from wms_dev.docs_generator.generated_part import replace_generated_part
from wms_dev.docs_generator.openapi import document as openapi
from wms_dev.embedded.postgres import EmbeddedPostgres, temporary_data_dir

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the generated parts, or compare with `--check`. Return 1 when a document is stale."""
    parser = argparse.ArgumentParser(
        prog="wms_dev.docs_generator",
        description="Generate the parts of the documentation that follow from the code.",
    )
    parser.add_argument("--check", action="store_true", help="change no file; fail when a document is stale")
    check = parser.parse_args(arguments).check
    stale = []
    for name, text in build_documents().items():
        path = DOCS / name
        if not path.exists() or text != path.read_text(encoding="utf-8"):
            stale.append(name)
            if not check:
                path.write_text(text, encoding="utf-8")
    return print_stale(stale, check=check)


def build_documents() -> Mapping[str, str]:
    """Return the text of each generated document, by file name."""
    documents_with_parts = {
        name: replace_generated_part((DOCS / name).read_text(encoding="utf-8"), part)
        for name, part in build_generated_parts().items()
    }
    return {
        **documents_with_parts,
        "reference/asyncapi.json": asyncapi.render_document(),
        "reference/openapi.json": openapi.render_document(),
    }


def build_generated_parts() -> Mapping[str, str]:
    """Return the generated part of each document, by file name."""
    with EmbeddedPostgres(temporary_data_dir(), ephemeral=True) as postgres:
        catalog = asyncio.run(catalog_of(postgres.start()))
    return {
        "concepts/state_machine.md": state_machine.part(),
        "reference/schema.md": schema.part(catalog),
        "reference/functions.md": functions.render_generated_part(),
        "guides/configuration.md": configuration.render_generated_part(),
        "guides/events.md": events.render_generated_part(),
    }


def print_stale(stale: Sequence[str], *, check: bool) -> int:
    """Print the stale documents. Return the exit code."""
    for name in stale:
        print(f"{'stale' if check else 'wrote'}: docs/{name}")
    if check and stale:
        print("Run `make generate` and commit the result.", file=sys.stderr)
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
