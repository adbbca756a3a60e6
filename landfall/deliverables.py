"""What a stack delivers besides resources: code archives, the host bundle, configuration items.

Reads the tree and the scripts folder, writes content-addressed archives under ``build/``; the same
tree gives the same bytes. (source: DESIGN section 7, "Archives are reproducible")
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from landfall.archives import Archive, function_archive, host_bundle
from landfall.config import SqlJob, StackConfig, StackSource, Workflows, scripts_folder
from workflows.items import marshal, to_item


@dataclass(frozen=True, kw_only=True)
class EtlDeliverables:
    """What the ETL plane of a stack delivers."""

    close_execution: Archive
    start_workflow: Archive
    host_bundle: Archive
    items: Mapping[str, Mapping[str, Any]]
    """Configuration item by workflow id, in DynamoDB's typed JSON."""


def etl_deliverables(config: StackConfig, source: StackSource, root: Path) -> EtlDeliverables | None:
    """The deliverables of the stack's ETL plane; ``None`` where it has none.

    Archives are named by their path below ``root``, the program's working directory: the state of a
    stack does not say where somebody's checkout lies.

    Raises ``OSError`` where a file of the tree cannot be read, ``ValueError`` with one sentence where a
    definition cannot be written as an item (``workflows.items.ItemError``), the scripts cannot be packed
    (``landfall.archives.ArchiveError``) or a SQL file is not UTF-8.
    """
    workflows, folder = config.workflows, scripts_folder(config, source)
    if workflows is None or folder is None:
        return None
    files = sql_files(config, source)
    return EtlDeliverables(
        close_execution=_in_tree(function_archive("close_execution", root), root),
        start_workflow=_in_tree(function_archive("start_workflow", root), root),
        host_bundle=_in_tree(host_bundle(folder, root), root),
        items={
            workflow_id: marshal(to_item(workflow_id, definition, files))
            for workflow_id, definition in sorted(workflows.definitions.items())
        },
    )


def _in_tree(archive: Archive, root: Path) -> Archive:
    return replace(archive, path=archive.path.relative_to(root))


def sql_files(config: StackConfig, source: StackSource) -> dict[str, str]:
    """Text of each SQL file that a job of the stack names, by name; raises ``OSError``."""
    workflows, folder = config.workflows, scripts_folder(config, source)
    if workflows is None or folder is None:
        return {}
    return {name: (folder / name).read_text(encoding="utf-8") for name in _sql_file_names(workflows)}


def _sql_file_names(workflows: Workflows) -> list[str]:
    return sorted(
        {
            job.file
            for definition in workflows.definitions.values()
            for stage in definition.workflow_stages
            for job in stage.jobs
            if isinstance(job, SqlJob) and job.file is not None
        }
    )
