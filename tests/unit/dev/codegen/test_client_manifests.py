"""The client manifests have the facts of the root pyproject.toml, and the check reports differences."""

from pathlib import Path

import pytest

from wms_dev.checks.distributions import ROOT
from wms_dev.checks.lockfiles import tracked_texts
from wms_dev.codegen.manifests import MANIFEST_FIELDS, find_outdated, read_project_facts
from wms_dev.codegen.protos import GenerationError

LANGUAGES = ("python", "go", "typescript", "java")
FILES = {field.file for field in MANIFEST_FIELDS}
WITH_VERSION = {field.file for field in MANIFEST_FIELDS if field.fact == "version"}
VERSION = read_project_facts(ROOT)["version"]
REPOSITORY = read_project_facts(ROOT)["repository"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Copy the manifests. Return the root of the copy."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"))
    return tmp_path


def replace_text(file: Path, old: str, new: str) -> None:
    """Replace a text that the file contains."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_manifests_of_this_tree_are_current() -> None:
    """`make lint` runs the same check."""
    assert find_outdated(ROOT, LANGUAGES) == {}


def test_new_version_is_written_into_every_manifest(tree: Path) -> None:
    """This includes the service's requirement of its client. Nothing else in the files changes."""
    replace_text(tree / "pyproject.toml", f'\nversion = "{VERSION}"', '\nversion = "99.0rc1"')
    outdated = find_outdated(tree, LANGUAGES)
    assert {str(path.relative_to(tree)) for path in outdated} == WITH_VERSION
    for path, text in outdated.items():
        original = (ROOT / path.relative_to(tree)).read_text(encoding="utf-8")
        assert text.replace("99.0rc1", VERSION) == original
        path.write_text(text)
    assert find_outdated(tree, LANGUAGES) == {}


@pytest.mark.parametrize("name", sorted(WITH_VERSION - {"pyproject.toml"}))
def test_differing_manifest_is_reported(tree: Path, name: str) -> None:
    """No other manifest is reported, and only a check of its language reports it."""
    replace_text(tree / name, VERSION, "98.0")
    (language,) = {field.language for field in MANIFEST_FIELDS if field.file == name}
    assert list(find_outdated(tree, LANGUAGES)) == [tree / name]
    assert find_outdated(tree, set(LANGUAGES) - {language}) == {}


def test_repository_address_is_written_into_every_client(tree: Path) -> None:
    """The owner sets it in one place. The import paths of Go begin with it."""
    replace_text(tree / "pyproject.toml", REPOSITORY, "https://example.com/acme/orders")
    outdated = find_outdated(tree, LANGUAGES)
    assert {str(path.relative_to(tree)) for path in outdated} == {
        field.file for field in MANIFEST_FIELDS if field.fact != "version"
    }
    assert not any(REPOSITORY.partition("://")[2] in text for text in outdated.values())
    assert "\nmodule example.com/acme/orders/clients/go\n" in f"\n{outdated[tree / 'clients/go/go.mod']}"
    assert '"git+https://example.com/acme/orders"' in outdated[tree / "clients/typescript/package.json"]


def test_every_file_with_the_repository_address_is_listed() -> None:
    """Otherwise a new import in Go would keep the old address."""
    root = read_project_facts(ROOT)["module root"]
    file_names = {name for name, text in tracked_texts(ROOT) if root in text}
    assert file_names <= {"pyproject.toml", *FILES}


def test_manifest_without_its_field_is_an_error(tree: Path) -> None:
    """Otherwise a moved field would never be compared again."""
    replace_text(tree / "clients" / "go" / "version.go", "const Version", "const Release")
    with pytest.raises(GenerationError, match=r"clients/go/version\.go has 0 fields for the version"):
        find_outdated(tree, LANGUAGES)
