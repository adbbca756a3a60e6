"""The service's operations: check, delegate, answer."""

# LocalEmu has no types where the checks run.
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import json
import re
import time
import uuid
from typing import Any

from localemu.aws.api import RequestContext, handler

from landfall_emulator.dialect import ParameterError, bind_parameters
from landfall_emulator.redshift_data import catalog, nested_lists
from landfall_emulator.redshift_data.connections import Session, Sessions
from landfall_emulator.redshift_data.engine import Engine
from landfall_emulator.redshift_data.exceptions import ResourceNotFoundException, ValidationException
from landfall_emulator.redshift_data.limits import BATCH_STATEMENTS, LIST_PAGE, STATEMENT_BYTES
from landfall_emulator.redshift_data.model import ENDED, Statement, Step, Target
from landfall_emulator.redshift_data.registry import Registry, Scope
from landfall_emulator.redshift_data.results import csv_page, json_page, make_token, read_token
from landfall_emulator.redshift_data.targets import resolve

OWNERS: dict[str, str] = {}
"""Who started a statement, by its id: ``aws:userid``, empty for an account's root user."""

_NO_RESULT = "Query does not have result. Please check query status with DescribeStatement."
_SESSION_ONLY = ("ClusterIdentifier", "WorkgroupName", "SecretArn", "DbUser", "Database")
_PARAMETER = re.compile(r"[0-9a-zA-Z_]+\Z")


class RedshiftDataProvider:
    """Redshift Data API; statements, sessions and tokens are kept by account and Region."""

    service: str = "redshift-data"
    version: str = "2019-12-20"

    def __init__(self) -> None:
        nested_lists.install()
        self._registry = Registry()
        self._sessions = Sessions()
        self._engine = Engine(self._sessions)

    @handler("ExecuteStatement", expand=False)
    def execute_statement(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Start one statement."""
        return self._start(context, request, [request.get("Sql") or ""], batch=False)

    @handler("BatchExecuteStatement", expand=False)
    def batch_execute_statement(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Start several statements in one transaction."""
        statements = request.get("Sqls") or []
        if not 1 <= len(statements) <= BATCH_STATEMENTS:
            raise ValidationException(
                f"1 validation error detected: Value at 'sqls' failed to satisfy constraint: Member must "
                f"have length "
                f"between 1 and {BATCH_STATEMENTS}"
            )
        return self._start(context, request, statements, batch=True)

    @handler("DescribeStatement", expand=False)
    def describe_statement(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """State and facts of a statement, with those of a batch's parts."""
        identifier = request["Id"]
        statement = self._registry.get(_scope(context), identifier)
        if ":" in identifier:
            step = statement.step(identifier)
            assert step is not None  # noqa: S101 - the registry has checked it
            return {**step.facts(), **_named(statement)}
        return _description(statement)

    @handler("GetStatementResult", expand=False)
    def get_statement_result(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of the result as typed fields."""
        statement, step = self._result(context, request["Id"])
        if statement.result_format != "JSON":
            raise ValidationException("The result is in CSV format. Use GetStatementResultV2.")
        assert step.outcome is not None  # noqa: S101 - `_result` has checked it
        return json_page(step.id, step.outcome, request.get("NextToken"))

    @handler("GetStatementResultV2", expand=False)
    def get_statement_result_v2(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of the result as CSV."""
        statement, step = self._result(context, request["Id"])
        if statement.result_format != "CSV":
            raise ValidationException("The result is in JSON format. Use GetStatementResult.")
        assert step.outcome is not None  # noqa: S101 - `_result` has checked it
        return csv_page(step.id, step.outcome, request.get("NextToken"))

    @handler("CancelStatement", expand=False)
    def cancel_statement(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Cancel a statement that has not ended."""
        statement = self._registry.get(_scope(context), request["Id"])
        if ":" in request["Id"]:
            raise ValidationException("A statement of a batch cannot be cancelled: cancel the batch.")
        if statement.status in ENDED:
            raise ValidationException(
                f"Could not cancel a query that is already in {statement.status} state."
            )
        if not self._engine.cancel(statement) and statement.status in ENDED:
            raise ValidationException(
                f"Could not cancel a query that is already in {statement.status} state."
            )
        return {"Status": True}

    @handler("ListStatements", expand=False)
    def list_statements(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Statements of the account, the latest first; finished ones unless another state is asked for."""
        kept = [s for s in self._registry.all(_scope(context)) if _listed(s, request)]
        token = request.get("NextToken")
        start = read_token("ListStatements", token) if token else 0
        end = start + (request.get("MaxResults") or LIST_PAGE)
        page: dict[str, Any] = {"Statements": [_summary(statement) for statement in kept[start:end]]}
        if end < len(kept):
            page["NextToken"] = make_token("ListStatements", end)
        return page

    @handler("ListDatabases", expand=False)
    def list_databases(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Databases of the warehouse."""
        return catalog.list_databases(self._target(context, request), request)

    @handler("ListSchemas", expand=False)
    def list_schemas(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Schemas of a database."""
        return catalog.list_schemas(self._target(context, request), request)

    @handler("ListTables", expand=False)
    def list_tables(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Tables of a database."""
        return catalog.list_tables(self._target(context, request), request)

    @handler("DescribeTable", expand=False)
    def describe_table(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Columns of a table."""
        return catalog.describe_table(self._target(context, request), request)

    def _start(
        self, context: RequestContext, request: dict[str, Any], texts: list[str], *, batch: bool
    ) -> dict[str, Any]:
        """Check the request, keep the statement and hand it to the engine."""
        for text in texts:
            _check_text(text)
        parameters = [] if batch else list(request.get("Parameters") or [])
        bound_sql, bound_values = _bind(texts[0], parameters)
        target, session = self._session(context, request)
        identifier = str(uuid.uuid4())
        now = time.time()
        steps = [
            Step(id=f"{identifier}:{number}" if batch else identifier, sql=text, created=now)
            for number, text in enumerate(texts, start=1)
        ]
        statement = Statement(
            id=identifier,
            target=target,
            steps=steps,
            batch=batch,
            created=now,
            name=request.get("StatementName"),
            with_event=bool(request.get("WithEvent")),
            parameters=parameters,
            bound_sql=bound_sql,
            bound_values=bound_values,
            result_format=request.get("ResultFormat") or "JSON",
            session_id=session.id if session else None,
        )
        kept = self._registry.add(
            _scope(context), statement, request.get("ClientToken"), _fingerprint(request)
        )
        if kept is statement:
            OWNERS[kept.id] = getattr(context, "landfall_user_id", "")
            self._engine.submit(statement, session)
        return {"Id": kept.id, "CreatedAt": kept.created, **_named(kept), "DbGroups": []}

    def _session(self, context: RequestContext, request: dict[str, Any]) -> tuple[Target, Session | None]:
        """The target, and the session where one is asked for."""
        keep_alive = request.get("SessionKeepAliveSeconds")
        if identifier := request.get("SessionId"):
            given = [name for name in _SESSION_ONLY if request.get(name)]
            if given:
                raise ValidationException(f"{given[0]} cannot be specified together with SessionId.")
            session = self._sessions.get(*_scope(context), identifier)
            if keep_alive:
                session.keep_alive = keep_alive
            return session.target, session
        target = self._target(context, request)
        return target, self._sessions.create(target, keep_alive) if keep_alive else None

    def _target(self, context: RequestContext, request: dict[str, Any]) -> Target:
        """Endpoint and credentials of the request."""
        return resolve(*_scope(context), request)

    def _result(self, context: RequestContext, identifier: str) -> tuple[Statement, Step]:
        """The statement and the step whose result is asked for."""
        statement = self._registry.get(_scope(context), identifier)
        step = statement.step(identifier)
        if (
            statement.status != "FINISHED"
            or step is None
            or step.outcome is None
            or not step.outcome.has_rows
        ):
            raise ResourceNotFoundException(_NO_RESULT, identifier)
        return statement, step


def _scope(context: RequestContext) -> Scope:
    """Account and Region of the caller."""
    return str(context.account_id), str(context.region)


def _check_text(text: str) -> None:
    """A statement says something and is not too long."""
    if not text.strip():
        raise ValidationException("SQL statement cannot be empty.")
    if len(text.encode()) > STATEMENT_BYTES:
        raise ValidationException("SQL statement exceeds the maximum size of 100 KB.")


def _bind(text: str, parameters: list[dict[str, str]]) -> tuple[str, list[str]]:
    """The statement with positions for its parameters, and their values."""
    values: dict[str, str] = {}
    for parameter in parameters:
        name = parameter["name"]
        if not _PARAMETER.match(name):
            raise ValidationException(f"Parameter name {name} is not valid.")
        if name in values:
            raise ValidationException(f"Duplicate parameter name: {name}")
        if not parameter["value"]:
            raise ValidationException(f"Parameter value of {name} cannot be empty.")
        values[name] = parameter["value"]
    try:
        return bind_parameters(text, values)
    except ParameterError as wrong:
        raise ValidationException(str(wrong)) from wrong


def _fingerprint(request: dict[str, Any]) -> str:
    """What must be equal when a client token is used again."""
    return json.dumps({k: v for k, v in request.items() if k != "ClientToken"}, sort_keys=True, default=str)


def _named(statement: Statement) -> dict[str, Any]:
    """Target and session as responses repeat them."""
    named = statement.target.named()
    if statement.session_id:
        named["SessionId"] = statement.session_id
    return named


def _description(statement: Statement) -> dict[str, Any]:
    """DescribeStatement of a whole statement."""
    last = statement.steps[-1].facts()
    description: dict[str, Any] = {
        **_named(statement),
        "Id": statement.id,
        "Status": statement.status,
        "CreatedAt": statement.created,
        "UpdatedAt": statement.updated or statement.created,
        "Duration": statement.duration_ns if statement.status in ENDED else -1,
        "RedshiftPid": statement.pid,
        "ResultFormat": statement.result_format,
        **{name: last[name] for name in ("HasResultSet", "ResultRows", "ResultSize", "RedshiftQueryId")},
    }
    if statement.error is not None:
        description["Error"] = statement.error
    if statement.parameters:
        description["QueryParameters"] = statement.parameters
    if statement.batch:
        description["SubStatements"] = [step.facts() for step in statement.steps]
    else:
        description["QueryString"] = statement.steps[0].sql
    return description


def _listed(statement: Statement, request: dict[str, Any]) -> bool:
    """Whether ListStatements shows the statement."""
    status = request.get("Status") or "FINISHED"
    if status != "ALL" and statement.status != status:
        return False
    name = request.get("StatementName")
    if name and not (statement.name or "").startswith(name):
        return False
    target = statement.target
    wanted = {
        "Database": target.database,
        "ClusterIdentifier": target.cluster,
        "WorkgroupName": target.workgroup,
    }
    return all(request.get(member) in (None, value) for member, value in wanted.items())


def _summary(statement: Statement) -> dict[str, Any]:
    """A statement in the list."""
    summary: dict[str, Any] = {
        "Id": statement.id,
        "Status": statement.status,
        "CreatedAt": statement.created,
        "UpdatedAt": statement.updated or statement.created,
        "IsBatchStatement": statement.batch,
        "ResultFormat": statement.result_format,
    }
    if statement.batch:
        summary["QueryStrings"] = [step.sql for step in statement.steps]
    else:
        summary["QueryString"] = statement.steps[0].sql
    optional = {
        "StatementName": statement.name,
        "SecretArn": statement.target.secret_arn,
        "QueryParameters": statement.parameters,
        "SessionId": statement.session_id,
    }
    return {**summary, **{name: value for name, value in optional.items() if value}}
