"""The table of error codes: stable for ever, one page each in `docs/errors/`, made by `code_pages`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from landfall.config import errors


@dataclass(frozen=True)
class Code:
    """One kind of mistake. A code is never reused for another one."""

    code: str
    title: str
    cause: str
    wrong: str
    """Whole lines of a stack file with the mistake."""
    right: str
    """The same lines without it, as they stand in `code_pages.STACK`."""
    fix: str


CODES: Final[tuple[Code, ...]] = (
    Code(
        errors.UNKNOWN_KEY,
        "Unknown key",
        "A key is not part of the config; mostly it is misspelt. It is refused, because a setting that is"
        " silently ignored is worse than an error.",
        "landfall:netwrok:\n  etl:\n    account: data",
        "landfall:network:\n  etl:\n    account: data",
        "Write the key that the error suggests, or one of those that it lists.",
    ),
    Code(
        errors.WRONG_TYPE,
        "Wrong type",
        'A value has another type than the key takes: text instead of a number ("365"), a number instead of'
        " text (an account id without quotes), a scalar instead of a list.",
        'archive_retention_days: "365"',
        "archive_retention_days: 365",
        "Account ids and times of the day need quotes; numbers, true and false must have none.",
    ),
    Code(
        errors.NOT_ALLOWED,
        "Value not allowed",
        "The key takes one of a closed list of values, and this is none of them.",
        "- execution_type: sequental",
        "- execution_type: sequential",
        "Write one of the allowed values; the error suggests the one that is spelt most like it.",
    ),
    Code(
        errors.UNKNOWN_REFERENCE,
        "Unknown reference",
        "The value names an account, network, workflow or job that the stack file does not define.",
        "operations:\n  account: opps",
        "operations:\n  account: ops",
        "Name one that is defined, or define the missing one.",
    ),
    Code(
        errors.CIDR_OVERLAP,
        "Overlapping address ranges",
        "Two networks of the stack share addresses, so they could never be connected.",
        "lab:\n  account: data\n  cidr: 10.20.8.0/22",
        "lab:\n  account: data\n  cidr: 10.20.16.0/22",
        "Take the free range that the error suggests.",
    ),
    Code(
        errors.DUPLICATE,
        "Duplicate",
        "The same key, account id, job name or list entry is there twice.",
        "- {kind: sql, name: count, sql: call count_orders()}\n"
        "- {kind: sql, name: count, sql: call count_items()}",
        "- {kind: sql, name: count, sql: call count_orders()}\n"
        "- {kind: sql, name: count-items, sql: call count_items()}",
        "Rename or remove one of the two.",
    ),
    Code(
        errors.BAD_SCHEDULE,
        "Bad schedule",
        "The expression is none that EventBridge Scheduler takes. A cron expression has six fields, and"
        " exactly one of day-of-month and day-of-week is `?`.",
        'expression: "cron(0 6 * * * *)"',
        'expression: "cron(0 6 * * ? *)"',
        "Write `cron(minutes hours day-of-month month day-of-week year)`, `rate(15 minutes)` or"
        " `at(2027-01-31T06:00:00)`.",
    ),
    Code(
        errors.MISSING_FILE,
        "Missing file",
        "A script, a SQL file or the scripts folder does not exist. The folder is relative to the stack"
        " file.",
        "scripts: [rsql_blog_scrip_1.sh]",
        "scripts: [rsql_blog_script_1.sh]",
        "Add the file to the scripts folder, or correct its name.",
    ),
    Code(
        errors.YAML_SYNTAX,
        "Not a readable stack file",
        "The file is no YAML that Landfall reads: a tab, an open bracket, a merge key, a tag, several"
        " documents, a control character, another encoding than UTF-8, more than 1 MiB.",
        "config:\n\tlandfall:platform:",
        "config:\n  landfall:platform:",
        "Correct the place that the error names. Indent with spaces, write merged keys out, save as UTF-8.",
    ),
    Code(
        errors.SECRET_AS_DATA,
        "Secret as data",
        "A secret stands in the config, encrypted or not. Config ends up in state, logs and previews.",
        "warehouse: {secret: landfall/dev/warehouse, workgroup: etl, database: dev, password: never-here}",
        "warehouse: {secret: landfall/dev/warehouse, workgroup: etl, database: dev}",
        "Keep the secret in Secrets Manager and write its name or ARN. If the file was committed, rotate it.",
    ),
    Code(
        errors.MISSING_KEY,
        "Missing key",
        "A key without a default is not there.",
        "data: {regions: [eu-central-1]}",
        'data: {id: "111111111111", regions: [eu-central-1]}',
        "Add the key; the error says what it means.",
    ),
    Code(
        errors.MALFORMED,
        "Malformed value",
        "The value has the right type but not the shape that is needed: an account id, a CIDR, a date.",
        'ops: {id: "2222-2222-2222", regions: [eu-central-1]}',
        'ops: {id: "222222222222", regions: [eu-central-1]}',
        "Write the value in the form that the error names.",
    ),
    Code(
        errors.OUT_OF_RANGE,
        "Out of range",
        "A number is too small or too large, or a list too short.",
        "retries: {count: 50}",
        "retries: {count: 10}",
        "Stay inside the bounds that the error names.",
    ),
    Code(
        errors.UNSAFE_NAME,
        "Unsafe file name",
        "A script's name leads out of the scripts folder or is none. Spaces, quotes and other letters are"
        " fine: no shell ever sees the name.",
        "scripts: [../rsql_blog_script_1.sh]",
        "scripts: [rsql_blog_script_1.sh]",
        "Put the file into the scripts folder and write its plain name.",
    ),
    Code(
        errors.ZONES,
        "Availability zones",
        "A zone is listed twice or lies in another Region, or the network is too small for its subnets.",
        "availability_zones: [eu-central-1a, eu-central-1b, eu-west-1c]",
        "availability_zones: [eu-central-1a, eu-central-1b, eu-central-1c]",
        "List two to six distinct zones of the network's Region.",
    ),
    Code(
        errors.EMPTY_LIST,
        "Empty list",
        "A list without entries stands where at least one is needed.",
        "scripts: []",
        "scripts: [rsql_blog_script_1.sh]",
        "Add an entry, or remove the stage or workflow around it.",
    ),
    Code(
        errors.CONTRADICTION,
        "Contradicting values",
        "Each value is fine, together they make no sense: a heartbeat longer than the timeout, a network in"
        " another account than the workflows.",
        "timeout_seconds: 60\nheartbeat_seconds: 300",
        "timeout_seconds: 600\nheartbeat_seconds: 300",
        "Change one of the two; the error names both.",
    ),
    Code(
        errors.CYCLE,
        "Cycle",
        "Jobs or workflows wait for each other, so none of them could ever start.",
        "- {kind: sql, name: stage, sql: call stage_orders(), depends_on: [merge]}\n"
        "- {kind: sql, name: merge, sql: call merge_orders(), depends_on: [stage]}",
        "- {kind: sql, name: stage, sql: call stage_orders()}\n"
        "- {kind: sql, name: merge, sql: call merge_orders(), depends_on: [stage]}",
        "Remove one of the dependencies.",
    ),
    Code(
        errors.TOO_LARGE,
        "Too large",
        "A limit is exceeded: 40 statements in a batch, 256 KiB for a workflow definition, six zones for a"
        " network.",
        "availability_zones: [eu-central-1a, eu-central-1b, eu-central-1c, eu-central-1d,\n"
        "                     eu-central-1e, eu-central-1f, eu-central-1g]",
        "availability_zones: [eu-central-1a, eu-central-1b, eu-central-1c]",
        "Stay under the limit: split the job or the workflow, move statements into files, remove entries.",
    ),
    Code(
        errors.NAME_TOO_LONG,
        "Name too long",
        "A physical name, made of prefix, environment and key, is longer than the service allows.",
        "load-the-orders-of-all-shops-and-countries-every-night:\n  schedule:",
        "nightly:\n  schedule:",
        "Shorten the platform's name or the key. Names are never cut, since a cut name may collide.",
    ),
    Code(
        errors.ONE_OF,
        "Exactly one of several keys",
        "Keys that exclude each other are both given, or none of them is.",
        "- {kind: s3_object, bucket: landing, prefix: incoming/, key: incoming/orders.csv}",
        "- {kind: s3_object, bucket: landing, prefix: incoming/}",
        "Keep exactly one of them.",
    ),
    Code(
        errors.UNKNOWN_TIMEZONE,
        "Unknown time zone",
        "The time zone is none of the IANA database.",
        "timezone: Europe/Berlyn",
        "timezone: Europe/Berlin",
        "Write a name such as Europe/Berlin, America/New_York or UTC.",
    ),
)
