"""The manifests of the clients: all have the facts of the root pyproject.toml, or the check names them."""

from pathlib import Path

import pytest

from wms_dev.distributions import ROOT
from wms_dev.generate.manifests import FIELDS, outdated, project_facts
from wms_dev.generate.protos import GenerationError
from wms_dev.lockfiles import tracked_texts

LANGUAGES = ("python", "go", "typescript", "java")
FILES = {field.file for field in FIELDS}
WITH_VERSION = {field.file for field in FIELDS if field.fact == "version"}
VERSION = project_facts(ROOT)["version"]
REPOSITORY = project_facts(ROOT)["repository"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Copy the manifests; return the root of the copy."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"))
    return tmp_path


def edit(file: Path, old: str, new: str) -> None:
    """Replace a text that is in a file."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_the_manifests_of_this_tree_are_right() -> None:
    """What `make lint` runs finds nothing here."""
    assert outdated(ROOT, LANGUAGES) == {}


def test_a_new_version_is_written_into_every_manifest(tree: Path) -> None:
    """Also into what the service requires of its client; nothing else in the files changes."""
    edit(tree / "pyproject.toml", f'\nversion = "{VERSION}"', '\nversion = "99.0rc1"')
    found = outdated(tree, LANGUAGES)
    assert {str(path.relative_to(tree)) for path in found} == WITH_VERSION
    for path, text in found.items():
        original = (ROOT / path.relative_to(tree)).read_text(encoding="utf-8")
        assert text.replace("99.0rc1", VERSION) == original
        path.write_text(text)
    assert outdated(tree, LANGUAGES) == {}


@pytest.mark.parametrize("name", sorted(WITH_VERSION - {"pyproject.toml"}))
def test_a_manifest_that_differs_is_named(tree: Path, name: str) -> None:
    """It alone, and only when its language is asked for."""
    edit(tree / name, VERSION, "98.0")
    (language,) = {field.language for field in FIELDS if field.file == name}
    assert list(outdated(tree, LANGUAGES)) == [tree / name]
    assert outdated(tree, set(LANGUAGES) - {language}) == {}


def test_the_address_of_the_repository_is_written_into_every_client(tree: Path) -> None:
    """So that the owner sets it in one place; the import paths of Go begin with it."""
    edit(tree / "pyproject.toml", REPOSITORY, "https://example.com/acme/orders")
    found = outdated(tree, LANGUAGES)
    assert {str(path.relative_to(tree)) for path in found} == {
        field.file for field in FIELDS if field.fact != "version"
    }
    assert not any(REPOSITORY.partition("://")[2] in text for text in found.values())
    assert "\nmodule example.com/acme/orders/clients/go\n" in f"\n{found[tree / 'clients/go/go.mod']}"
    assert '"git+https://example.com/acme/orders"' in found[tree / "clients/typescript/package.json"]


def test_every_file_with_the_address_of_the_repository_is_known() -> None:
    """Else a new import in Go would keep the old address."""
    root = project_facts(ROOT)["module root"]
    found = {name for name, text in tracked_texts(ROOT) if root in text}
    assert found <= {"pyproject.toml", *FILES}


def test_a_manifest_without_its_field_is_an_error(tree: Path) -> None:
    """Else a field that was moved would never be compared again."""
    edit(tree / "clients" / "go" / "version.go", "const Version", "const Release")
    with pytest.raises(GenerationError, match=r"clients/go/version\.go has 0 fields for the version"):
        outdated(tree, LANGUAGES)
