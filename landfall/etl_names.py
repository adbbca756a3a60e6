"""Physical names and ARNs of the ETL plane: one place for components, contracts and command line.

They are functions of the config alone, so that every policy document is known at preview and a
command finds a plane without asking the engine. (source: DESIGN section 3, "Names")
"""

from __future__ import annotations

from dataclasses import dataclass

from landfall.naming import Names


@dataclass(frozen=True, kw_only=True)
class EtlNames:
    """Names of one environment's ETL plane in its account and home Region."""

    names: Names
    account_id: str
    region: str

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{resource}"

    @property
    def config_table(self) -> str:
        """DynamoDB table of workflow definitions."""
        return self.names.physical("workflow-config", limit=255)

    @property
    def job_audit_table(self) -> str:
        """DynamoDB table with one record for each job of each execution."""
        return self.names.physical("job-audit", limit=255)

    @property
    def workflow_audit_table(self) -> str:
        """DynamoDB table with one record for each execution."""
        return self.names.physical("workflow-audit", limit=255)

    def table_arn(self, table: str) -> str:
        """ARN of a table."""
        return self._arn("dynamodb", f"table/{table}")

    @property
    def machine(self) -> str:
        """The state machine; its name is at most 80 characters."""
        return self.names.physical("etl", limit=80)

    @property
    def machine_arn(self) -> str:
        """ARN of the state machine."""
        return self._arn("states", f"stateMachine:{self.machine}")

    @property
    def executions_arn(self) -> str:
        """ARN pattern of the state machine's executions."""
        return self._arn("states", f"execution:{self.machine}:*")

    def execution_arn(self, workflow_execution_id: str) -> str:
        """ARN of one execution."""
        return self._arn("states", f"execution:{self.machine}:{workflow_execution_id}")

    @property
    def machine_role(self) -> str:
        """Role of the state machine."""
        return self.names.physical("etl", limit=64)

    @property
    def host_role(self) -> str:
        """Role of the hosts that run scripts."""
        return self.names.physical("etl-host", limit=64)

    @property
    def log_group(self) -> str:
        """Log group with one stream for each script run."""
        return f"/ops/{self.names.physical('job-logs', limit=200)}"

    @property
    def machine_log_group(self) -> str:
        """Log group of the state machine; the prefix keeps the resource policy short.

        (source: Step Functions Developer Guide, "Logging using CloudWatch Logs")
        """
        return f"/aws/vendedlogs/states/{self.machine}"

    def log_group_arn(self, group: str) -> str:
        """ARN of a log group."""
        return self._arn("logs", f"log-group:{group}")

    @property
    def run_job_document(self) -> str:
        """Systems Manager document that runs one job on a host."""
        return self.names.physical("run-job", limit=128)

    @property
    def install_runner_document(self) -> str:
        """Systems Manager document that installs runner and scripts on a host."""
        return self.names.physical("install-runner", limit=128)

    def document_arn(self, document: str) -> str:
        """ARN of a Systems Manager document."""
        return self._arn("ssm", f"document/{document}")

    @property
    def artifact_bucket(self) -> str:
        """Bucket with the bundle of runner and scripts."""
        return self.names.bucket("artifacts", self.account_id, self.region)

    @property
    def key_alias(self) -> str:
        """Alias of the plane's customer-managed key."""
        return f"alias/{self.names.physical('etl', limit=250)}"


@dataclass(frozen=True, kw_only=True)
class OperationsNames:
    """Names of one environment's operations hub in its account and home Region."""

    names: Names
    account_id: str
    region: str

    @property
    def topic(self) -> str:
        """Notification topic."""
        return self.names.physical("workflow-notifications", limit=256)

    @property
    def topic_arn(self) -> str:
        """ARN of the notification topic."""
        return f"arn:aws:sns:{self.region}:{self.account_id}:{self.topic}"

    @property
    def archive_bucket(self) -> str:
        """Bucket of the log archive."""
        return self.names.bucket("log-archive", self.account_id, self.region)

    @property
    def key_alias(self) -> str:
        """Alias of the hub's customer-managed key."""
        return f"alias/{self.names.physical('operations', limit=250)}"
