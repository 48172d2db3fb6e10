"""The command of `make generate` and `make lint`."""

import argparse
import os
import sys
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

from wms_dev.generate.clients import ALL, Client
from wms_dev.generate.comparison import differences, replace
from wms_dev.generate.manifests import outdated
from wms_dev.generate.protos import ROOT, GenerationError


def main(arguments: Sequence[str] | None = None) -> int:
    """Generate, or with `--check` only compare; 1 when a committed client is stale or can't be made."""
    parser = argparse.ArgumentParser(prog="wms_dev.generate", description="Make the clients.")
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a client is stale")
    parser.add_argument(
        "names", nargs="*", metavar="LANGUAGE", help="only these: python, go, typescript, java"
    )
    chosen = parser.parse_args(arguments)
    wanted = [client for client in ALL if client.name in chosen.names or not chosen.names]
    results = [_manifests([client.name for client in wanted], check=chosen.check)]
    results += [_one(client, check=chosen.check) for client in wanted]
    if chosen.check and not all(results):
        print("Run `make generate` and commit the result.", file=sys.stderr)
    return 0 if all(results) else 1


def _manifests(languages: Collection[str], *, check: bool) -> bool:
    """Write or compare the version and the repository of the clients; return whether that went well."""
    try:
        found = outdated(ROOT, languages)
    except GenerationError as error:
        print(error, file=sys.stderr)
        return False
    for path, text in found.items():
        if not check:
            path.write_text(text, encoding="utf-8")
        print(f"{'stale' if check else 'wrote'}: {path.relative_to(ROOT)}")
    return not (check and found)


def _one(client: Client, *, check: bool) -> bool:
    """Make or compare one client, and say what was stale; whether that went well."""
    if client.missing:
        print(f"left out: clients/{client.name}, for want of {' and '.join(client.missing)}", file=sys.stderr)
        return os.environ.get("CI") != "true"
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        try:
            client.generate(fresh)
        except GenerationError as error:
            print(error, file=sys.stderr)
            return False
        stale = differences(fresh, client.folder, client.made)
        if not check:
            replace(fresh, client.folder, stale)
    for name in stale:
        print(f"{'stale' if check else 'wrote'}: {(client.folder / name).relative_to(ROOT)}")
    return not (check and stale)


if __name__ == "__main__":
    sys.exit(main())
