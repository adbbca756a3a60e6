"""A type's schema is read off the provider SDK once, and never from a file that says something else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.engines import schema, schema_cache
from sandbox.paths import REPOSITORY

TOKEN = "aws:dynamodb/table:Table"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Nothing is kept yet."""
    monkeypatch.setenv("LANDFALL_TOOLS_DIR", str(tmp_path))
    _forget()
    yield tmp_path / "provider-schemas"
    _forget()


def _forget() -> None:
    schema.type_schema.cache_clear()
    schema_cache._folder.cache_clear()


def _file(folder: Path) -> Path:
    (file,) = folder.glob("*/*.json")
    return file


def test_a_kept_schema_is_the_one_that_the_sdk_declares(folder: Path) -> None:
    declared = schema.type_schema(TOKEN)
    assert declared is not None
    assert "billingMode" in declared.inputs
    assert declared.taggable
    _forget()
    assert schema.type_schema(TOKEN) == declared
    assert _file(folder).stat().st_mode & 0o777 == 0o600


def test_another_process_does_not_load_the_sdk_for_it(folder: Path) -> None:
    schema.type_schema(TOKEN)
    program = (
        "import sys\n"
        "from sandbox.engines.schema import type_schema\n"
        f"assert type_schema({TOKEN!r}) is not None\n"
        "assert 'pulumi_aws' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=True)


@pytest.mark.parametrize(
    "damage",
    [
        "", "{", "[]", '"text"', "null", "{}", "\0", '{"token": "aws:x/y:Z"}', f'{{"token": "{TOKEN}"}}',
        f'{{"token": "{TOKEN}", "inputs": []}}', f'{{"token": "{TOKEN}", "inputs": 1}}',
    ],
)  # fmt: skip
def test_a_damaged_file_counts_as_none_and_is_made_anew(folder: Path, damage: str) -> None:
    declared = schema.type_schema(TOKEN)
    whole = _file(folder).read_text()
    _file(folder).write_text(damage)
    _forget()
    assert schema.type_schema(TOKEN) == declared
    assert _file(folder).read_text() == whole


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(folder: Path) -> None:
    folder.write_text("in the way")
    assert schema.type_schema(TOKEN) is not None


def test_a_type_that_does_not_exist_is_not_kept(folder: Path) -> None:
    assert schema.type_schema("aws:dynamodb/nothing:Nothing") is None
    assert not folder.exists()


def test_another_version_of_the_sdk_has_files_of_its_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema.type_schema(TOKEN)
    _forget()
    monkeypatch.setattr("importlib.metadata.version", lambda _name: "0.0.1")
    schema.type_schema(TOKEN)
    assert len(list(folder.iterdir())) == 2
