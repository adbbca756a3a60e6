"""COPY and UNLOAD between the warehouse and the emulated S3."""

from __future__ import annotations

import bz2
import gzip
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.test_warehouse_data_api import records, run, start, wait

pytestmark = pytest.mark.emulator

Aws = Callable[..., Any]
ROLE = "iam_role 'arn:aws:iam::111111111111:role/load'"


@dataclass(frozen=True)
class Place:
    """A bucket, a table with three columns, and the clients for them."""

    api: Any
    s3: Any
    bucket: str
    table: str

    def put(self, key: str, data: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=data)

    def copy(self, source: str, options: str, columns: str = "") -> dict[str, Any]:
        sql = f"copy {self.table} {columns} from 's3://{self.bucket}/{source}' {ROLE} {options}"
        return wait(self.api, start(self.api, sql))

    def unload(self, prefix: str, options: str, query: str | None = None) -> dict[str, Any]:
        text = (query or f"select * from {self.table} order by id").replace("'", "\\'")
        sql = f"unload ('{text}') to 's3://{self.bucket}/{prefix}' {ROLE} {options}"
        return wait(self.api, start(self.api, sql))

    def rows(self) -> list[list[Any]]:
        return records(self.api, f"select * from {self.table} order by id")

    def objects(self, prefix: str) -> dict[str, bytes]:
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        return {o["Key"]: self.s3.get_object(Bucket=self.bucket, Key=o["Key"])["Body"].read() for o in found}


@pytest.fixture
def place(aws: Aws) -> Iterator[Place]:
    api, s3 = aws("redshift-data"), aws("s3")
    name = f"copy-{uuid.uuid4().hex[:10]}"
    table = f"{name.replace('-', '_')}.t"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    run(api, f"create schema {table[:-2]}")
    run(api, f"create table {table} (id int not null, name varchar(5), extra super)")
    yield Place(api, s3, name, table)
    run(api, f"drop schema {table[:-2]} cascade")


def test_csv_files_with_a_prefix_are_loaded(place: Place) -> None:
    place.put("in/a.csv", b'id,name,extra\n1,x,"{""k"": [1]}"\n')
    place.put("in/b.csv", b'id,name,extra\n2,"y,z",\n')
    done = place.copy("in/", "csv ignoreheader 1")

    assert (done["Status"], done["ResultRows"], done["HasResultSet"]) == ("FINISHED", 2, False)
    assert place.rows() == [[1, "x", '{"k": [1]}'], [2, "y,z", None]]


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (b"1|x|\n2||\n", ""),
        (b"1\tx\t\n2\t\t\n", "delimiter '\\t'"),
        (gzip.compress(b"1|x|\n2||\n", mtime=0), "gzip"),
        (bz2.compress(b"1,x,\n2,,\n"), "delimiter ',' bzip2"),
    ],
    ids=["default", "tabs", "gzip", "bzip2"],
)
def test_delimited_files(place: Place, data: bytes, options: str) -> None:
    place.put("in/data", data)
    done = place.copy("in/", options)

    assert done["Status"] == "FINISHED", done.get("Error")
    assert place.rows() == [[1, "x", None], [2, "", None]]


def test_json_files(place: Place) -> None:
    place.put("auto.json", b'{"id": 1, "name": "x", "extra": {"a": 1}, "more": 0}\n{"id": 2}')
    place.put("paths.json", json.dumps({"jsonpaths": ["$.a.id", "$.names[0]", "$"]}).encode())
    place.put("deep.json", b'{"a": {"id": 3}, "names": ["y"]}')

    assert place.copy("auto.json", "json 'auto'")["ResultRows"] == 2
    assert place.copy("deep.json", f"json 's3://{place.bucket}/paths.json'")["ResultRows"] == 1
    assert place.rows() == [
        [1, "x", '{"a": 1}'], [2, None, None], [3, "y", '{"a": {"id": 3}, "names": ["y"]}'],
    ]  # fmt: skip


def test_a_manifest_names_the_files(place: Place) -> None:
    place.put("one", b"1|x|\n")
    place.put("two", b"2|y|\n")
    entries = [{"url": f"s3://{place.bucket}/one", "mandatory": True}, {"url": f"s3://{place.bucket}/gone"}]
    place.put("manifest", json.dumps({"entries": entries}).encode())
    assert place.copy("manifest", "manifest")["ResultRows"] == 1

    entries[1]["mandatory"] = True
    place.put("manifest", json.dumps({"entries": entries}).encode())
    failed = place.copy("manifest", "manifest")
    assert f"Mandatory url s3://{place.bucket}/gone" in failed["Error"]
    assert place.rows() == [[1, "x", None]]


def test_a_column_list(place: Place) -> None:
    place.put("in", b"x,1\n")

    assert place.copy("in", "csv", "(name, id)")["Status"] == "FINISHED"
    assert place.rows() == [[1, "x", None]]


@pytest.mark.parametrize(
    ("bad", "column", "reason"),
    [
        (b"2|toolong|\n", "name", "value too long for type character varying(5)"),
        (b"two|x|\n", "id", 'invalid input syntax for type integer: "two"'),
        (b"|x|\n", "id", "null value in column"),
        (b"2|x\n", "extra", "Delimiter not found"),
        (b"2|x|{}|9\n", "", "Extra column(s) found"),
    ],
)
def test_a_load_is_everything_or_nothing(place: Place, bad: bytes, column: str, reason: str) -> None:
    place.put("in/a", b"1|x|\n")
    place.put("in/b", b"3|x|\n" + bad)
    failed = place.copy("in/", "")

    assert failed["Status"] == "FAILED"
    assert (
        f"Load into table '{place.table}' failed. Check 'sys_load_error_detail' system table"
        in failed["Error"]
    )
    assert place.rows() == []
    detail = records(
        place.api,
        "select file_name, line_number, column_name, error_message from sys_load_error_detail "
        "where table_name = :t",
        Parameters=[{"name": "t", "value": place.table}],
    )
    assert detail[0][:3] == [f"s3://{place.bucket}/in/b", 2, column]
    assert reason in detail[0][3]
    assert len(detail) == 1


def test_what_is_not_there(place: Place) -> None:
    assert (
        place.copy("nothing/", "csv")["Error"] == "ERROR: The specified S3 prefix 'nothing/' does not exist"
    )
    sql = f"copy {place.table} from 's3://no-such-bucket-{uuid.uuid4().hex}/x' {ROLE}"
    assert "Status 404,Error NoSuchBucket" in wait(place.api, start(place.api, sql))["Error"]
    place.put("x", b"1")
    sql = f"copy nowhere from 's3://{place.bucket}/x' {ROLE}"
    assert (
        wait(place.api, start(place.api, sql))["Error"] == "ERROR: Cannot COPY into nonexistent table nowhere"
    )


def test_an_identity_column_fills_itself(place: Place) -> None:
    table = f"{place.table}_identity"
    run(place.api, f"create table {table} (id bigint identity(100, 5), name varchar(5))")
    place.put("in", b"x\ny\n")
    run(place.api, f"copy {table} from 's3://{place.bucket}/in' {ROLE} csv")

    assert records(place.api, f"select * from {table} order by 1") == [[100, "x"], [105, "y"]]


def test_a_copy_in_a_failed_batch_leaves_nothing(place: Place) -> None:
    place.put("in", b"1|x|\n")
    copy = f"copy {place.table} from 's3://{place.bucket}/in' {ROLE}"
    target = {"WorkgroupName": "etl", "Database": "dev", "SecretArn": "landfall/sandbox/warehouse"}
    failed = wait(place.api, place.api.batch_execute_statement(Sqls=[copy, "select 1/0"], **target)["Id"])

    assert failed["Status"] == "FAILED"
    assert place.rows() == []


def test_unload_writes_what_copy_reads(place: Place) -> None:
    run(
        place.api,
        f"insert into {place.table} values (1, 'a|b', '{{\"k\": 1}}'), (2, '', null), (3, null, null)",
    )
    before = place.rows()

    for number, (written, read) in enumerate([
        ("escape", "escape"),
        ("csv null as 'nil'", "csv null as 'nil'"),
        ("csv header gzip null as 'nil'", "csv ignoreheader 1 gzip null as 'nil'"),
        ("format as json", "json 'auto'"),
        ("manifest delimiter ';' null as 'nil'", None),
    ]):  # fmt: skip
        done = place.unload(f"out{number}/", written)
        assert (done["Status"], done["ResultRows"]) == ("FINISHED", 3), done.get("Error")
        run(place.api, f"truncate {place.table}")
        source, options = (
            (f"out{number}/", read)
            if read
            else (f"out{number}/manifest", "manifest delimiter ';' null 'nil'")
        )
        copied = place.copy(source, options)
        assert copied["Status"] == "FINISHED", copied.get("Error")
        assert place.rows() == before


def test_unload_names_its_files_as_redshift_does(place: Place) -> None:
    run(place.api, f"insert into {place.table} values (1, 'x', null), (2, 'it''s', null)")
    place.unload("p/", "csv")
    place.unload(
        "s/data_",
        "csv header parallel off manifest",
        f"select id, name from {place.table} where name = 'it''s'",
    )

    assert list(place.objects("p/")) == ["p/0000_part_00", "p/0001_part_00"]
    serial = place.objects("s/")
    assert serial["s/data_000"] == b"id,name\n2,it's\n"
    assert json.loads(serial["s/data_manifest"])["entries"][0]["url"] == f"s3://{place.bucket}/s/data_000"


def test_unload_does_not_overwrite_unasked(place: Place) -> None:
    run(place.api, f"insert into {place.table} values (1, 'x', null)")
    place.unload("out/", "parallel off")

    failed = place.unload("out/", "parallel off")
    assert "Specified unload destination on S3 is not empty" in failed["Error"]
    assert place.unload("out/", "parallel off allowoverwrite")["Status"] == "FINISHED"
    place.put("out/old", b"")
    assert place.unload("out/", "parallel off cleanpath")["Status"] == "FINISHED"
    assert list(place.objects("out/")) == ["out/000"]
