"""Workflow definitions for pictures."""

from __future__ import annotations

from landfall.config.workflows import WorkflowDefinition


def forty_jobs() -> WorkflowDefinition:
    """Forty jobs of every kind in six stages, with preconditions, dependencies and a stage that is off."""
    return WorkflowDefinition.model_validate(
        {
            "workflow_description": "Everything that a night needs",
            "schedule": {"expression": "cron(0 2 * * ? *)", "timezone": "Europe/Berlin"},
            "trigger": {"pattern": {"source": ["landfall.sales"]}},
            "workflow_stages": [
                {
                    "execution_type": "sequential",
                    "stage_description": "Schemas and tables",
                    "preconditions": [
                        {"kind": "s3_object", "bucket": "landing-zone-sales", "prefix": "2027/01/31/orders/"},
                        {"kind": "table_rows", "table": "sales.orders", "minimum": 1000},
                        {"kind": "workflow_completed", "workflow_id": "import_customers"},
                        {
                            "kind": "time_window",
                            "start": "01:00",
                            "end": "05:00",
                            "timezone": "Europe/Berlin",
                        },
                    ],
                    "scripts": [f"create_schema_{n}.sh" for n in range(3)],
                },
                {
                    "execution_type": "parallel",
                    "stage_description": "Dimensions, each for itself",
                    "scripts": [
                        {"script": f"dimension_with_a_rather_long_name_{n}.sh", "retries": {"count": 2}}
                        for n in range(18)
                    ],
                },
                {
                    "execution_type": "graph",
                    "stage_description": "Facts after dimensions",
                    "max_concurrency": 8,
                    "scripts": [
                        {"script": "customers.sh"},
                        {"script": "products.sh"},
                        {
                            "kind": "sql",
                            "name": "sales",
                            "sql": "select 1",
                            "depends_on": ["customers.sh", "products.sh"],
                        },
                        {
                            "kind": "lambda",
                            "name": "stock",
                            "function": "stock-levels",
                            "depends_on": ["products.sh"],
                        },
                        {"kind": "glue", "name": "clicks", "job": "clean-clicks"},
                        {
                            "kind": "sql",
                            "name": "margin",
                            "sql": "select 1",
                            "depends_on": ["sales", "stock", "customers.sh"],
                        },
                        {
                            "kind": "state_machine",
                            "name": "publish",
                            "state_machine": "publish-sales",
                            "depends_on": ["margin", "clicks"],
                        },
                    ],
                },
                {
                    "execution_type": "sequential",
                    "stage_description": "Housekeeping",
                    "execution_flag": "n",
                    "scripts": [f"vacuum_{n}.sh" for n in range(9)],
                },
                {
                    "execution_type": "parallel",
                    "scripts": ["report_emea.sh", "report_apac.sh"],
                },
                {
                    "execution_type": "sequential",
                    "stage_description": "A description for which no frame's title has room",
                    "scripts": [{"kind": "lambda", "name": "tell", "function": "tell-everybody"}],
                },
            ],
        }
    )
