"""The rooms of the tree and which doors between them are open (DESIGN section 1)."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STANDARD = set(sys.stdlib_module_names)

PURE = (
    "landfall.config",
    "landfall.naming",
    "landfall.etl_names",
    "landfall.contracts",
    "landfall.archives",
    "landfall.diagram",
    "workflows",
)

ALLOWED: dict[str, tuple[str, ...]] = {
    "landfall/config": (
        "pydantic",
        "pydantic_core",
        "ruamel",
        "yaml",
        "landfall.archives",
        "landfall.config",
        "landfall.naming",
        "landfall.etl_names",
        "landfall.powertools",
    ),
    "landfall/catalog": ("pydantic", "ruamel", "yaml", "landfall.config", "landfall.catalog"),
    "landfall/naming.py": ("pydantic",),
    "landfall/powertools.py": (),
    "landfall/diagram": ("landfall.diagram", "resvg_py"),
    "landfall/risk": ("landfall.risk",),
    "landfall/cost": ("landfall.cost", "landfall.risk"),
    "landfall/etl_names.py": ("pydantic", "landfall.naming"),
    "landfall/contracts.py": ("pydantic",),
    "landfall/archives.py": (),
    "landfall/crash.py": ("handlers.host.redaction", "landfall", "landfall.config"),
    "landfall/accounts.py": ("pulumi", "pulumi_aws", "landfall.config", "landfall.naming"),
    "workflows": ("pydantic", "workflows", *PURE),
    "components": ("pulumi", "pulumi_aws", "landfall", "workflows", "components"),
    "handlers": ("boto3", "botocore", "aws_lambda_powertools", "pydantic", "handlers"),
    "policy_packs": (
        "pulumi_policy",
        "pulumi",
        "grpc",
        "google",
        "policy_packs",
        "guardrails",
        "frame",
        "rules",
    ),
}
FORBIDDEN_CALLS = {
    "landfall/diagram": {
        "datetime.now",
        "date.today",
        "time.time",
        "random.random",
        "os.getenv",
        "os.environ",
    },
    "landfall/risk": {"datetime.now", "date.today", "time.time", "os.environ", "open"},
    "landfall/cost": {"datetime.now", "date.today", "time.time", "os.environ"},
    "landfall/catalog": {"datetime.now", "date.today", "time.time", "os.environ", "open"},
    "landfall/config": {
        "datetime.now",
        "date.today",
        "time.time",
        "random.random",
        "os.getenv",
        "os.environ",
    },
    "workflows": {
        "datetime.now",
        "date.today",
        "time.time",
        "random.random",
        "os.getenv",
        "os.environ",
        "open",
    },
    "components": {
        "datetime.now",
        "date.today",
        "time.time",
        "random.random",
        "os.getenv",
        "os.environ",
        "open",
    },
}


def modules_under(room: str) -> Iterator[Path]:
    path = ROOT / room
    return iter([path]) if path.is_file() else iter(sorted(path.rglob("*.py")))


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


def opens(module: str, door: str) -> bool:
    return module == door or module.startswith(f"{door}.")


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_a_room_imports_only_through_its_doors(room: str) -> None:
    files = list(modules_under(room))
    assert files, f"{room} has no module"
    closed = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in files
        for module in sorted(imports_of(path))
        if module.split(".")[0] not in STANDARD and not any(opens(module, door) for door in ALLOWED[room])
    ]
    assert closed == []


@pytest.mark.parametrize("room", ["components", "landfall/config", "workflows", "handlers", "policy_packs"])
def test_no_room_of_the_platform_imports_the_sandbox_or_the_command_line(room: str) -> None:
    for path in modules_under(room):
        assert not [m for m in imports_of(path) if opens(m, "sandbox") or opens(m, "landfall.cli")], path


@pytest.mark.parametrize("path", sorted((ROOT / "handlers").glob("*/logic.py")), ids=lambda p: p.parent.name)
def test_handler_logic_is_pure(path: Path) -> None:
    outside = {m.split(".")[0] for m in imports_of(path)} - STANDARD - {"pydantic", "handlers"}
    assert outside == set()


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


@pytest.mark.parametrize("room", sorted(FORBIDDEN_CALLS))
def test_the_program_reads_no_clock_no_chance_and_no_environment(room: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {_dotted(node)}"
        for path in modules_under(room)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute | ast.Name)
        and any(_dotted(node).endswith(name) for name in FORBIDDEN_CALLS[room] if "." in name)
    ]
    assert found == []


def test_only_the_accounts_module_makes_a_provider() -> None:
    makers = [
        str(path.relative_to(ROOT))
        for room in ("landfall", "components")
        for path in modules_under(room)
        if "aws.Provider(" in path.read_text(encoding="utf-8")
    ]
    assert makers == ["landfall/accounts.py"]


def test_main_is_wiring_under_sixty_lines() -> None:
    assert len((ROOT / "__main__.py").read_text(encoding="utf-8").splitlines()) < 60


def test_every_test_file_is_collected() -> None:
    helpers = {"__init__.py", "conftest.py"}
    stray = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if "def test_" in path.read_text(encoding="utf-8")
        and not path.name.startswith("test_")
        and path.name not in helpers
    ]
    assert stray == []


def test_no_two_test_files_are_one_module() -> None:
    """pytest imports a test file outside of a package by its name alone."""
    alone = Counter(
        path.name
        for path in (ROOT / "tests").rglob("test_*.py")
        if not (path.parent / "__init__.py").exists()
    )
    assert [name for name, count in alone.items() if count > 1] == []


def test_lock_files_and_documents_name_no_index() -> None:
    for path in [*ROOT.glob("requirements*.txt"), ROOT / "sandbox/engines/cli_build/go.sum"]:
        text = path.read_text(encoding="utf-8")
        assert "://" not in text and "--index" not in text and "--find-links" not in text, path.name
