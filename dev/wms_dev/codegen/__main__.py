"""The command line of the generator, for `make generate` and `make lint`."""

import argparse
import os
import sys
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

from wms_dev.codegen.clients import ALL_CLIENTS, LanguageClient
from wms_dev.codegen.comparison import copy_generated, find_differences
from wms_dev.codegen.manifests import find_outdated
from wms_dev.codegen.protos import ROOT, GenerationError


def main(arguments: Sequence[str] | None = None) -> int:
    """Generate, or compare with `--check`. Return 1 when a client is stale or cannot be generated."""
    parser = argparse.ArgumentParser(prog="wms_dev.codegen", description="Generate the clients.")
    parser.add_argument("--check", action="store_true", help="change no file; fail when a client is stale")
    parser.add_argument(
        "names", nargs="*", metavar="LANGUAGE", help="only these: python, go, typescript, java"
    )
    options = parser.parse_args(arguments)
    selected_clients = [client for client in ALL_CLIENTS if client.name in options.names or not options.names]
    results = [_generate_manifests([client.name for client in selected_clients], check=options.check)]
    results += [_generate_client(client, check=options.check) for client in selected_clients]
    if options.check and not all(results):
        print("Run `make generate` and commit the result.", file=sys.stderr)
    return 0 if all(results) else 1


def _generate_manifests(languages: Collection[str], *, check: bool) -> bool:
    """Write or compare the version and the repository of the clients. Return whether this succeeded."""
    try:
        outdated_files = find_outdated(ROOT, languages)
    except GenerationError as error:
        print(error, file=sys.stderr)
        return False
    for path, text in outdated_files.items():
        if not check:
            path.write_text(text, encoding="utf-8")
        print(f"{'stale' if check else 'wrote'}: {path.relative_to(ROOT)}")
    return not (check and outdated_files)


def _generate_client(client: LanguageClient, *, check: bool) -> bool:
    """Generate or compare a client, and print the stale files. Return whether this succeeded."""
    if client.missing_programs:
        print(
            f"skipped: clients/{client.name}, missing programs: {', '.join(client.missing_programs)}",
            file=sys.stderr,
        )
        return os.environ.get("CI") != "true"
    with tempfile.TemporaryDirectory() as folder:
        generated = Path(folder)
        try:
            client.generate(generated)
        except GenerationError as error:
            print(error, file=sys.stderr)
            return False
        stale_files = find_differences(generated, client.folder, client.generated_folders)
        if not check:
            copy_generated(generated, client.folder, stale_files)
    for name in stale_files:
        print(f"{'stale' if check else 'wrote'}: {(client.folder / name).relative_to(ROOT)}")
    return not (check and stale_files)


if __name__ == "__main__":
    sys.exit(main())
