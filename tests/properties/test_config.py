"""Properties of the config: round trip, order of keys, names, and text that never makes the loader raise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landfall.config import ConfigError, StackConfig, StackSource, load
from landfall.config.fields import unsafe_reason
from landfall.config.loader import LoadResult, load_file
from landfall.config.schedules import BadSchedule, parse
from landfall.config.sql import split_statements
from landfall.naming import Names, NameTooLong

ROOT = Path(__file__).parents[2]

keys = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
lines = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20)
file_names = lines.filter(lambda name: unsafe_reason(name) is None)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20).filter(
    lambda text: "://" not in text and "=" not in text
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1000, 1000)
    | st.floats(-10, 10).map(lambda number: round(number, 3))
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=5,
)
arguments = st.dictionaries(st.sampled_from(["day", "mode", "n"]), json_values, max_size=3)


@st.composite
def common(draw: st.DrawFn, **own: st.SearchStrategy[Any]) -> dict[str, Any]:
    """A job of some kind with the fields that all kinds share."""
    timeout = draw(st.integers(2, 172_800))
    return {
        "timeout_seconds": timeout,
        "heartbeat_seconds": draw(st.integers(1, timeout - 1)),
        "retries": draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "count": st.integers(0, 10),
                    "interval_seconds": st.integers(1, 600),
                    "backoff_rate": st.floats(1, 10) | st.integers(1, 10),
                },
            )
        ),
        **{key: draw(strategy) for key, strategy in own.items()},
    }


jobs = (
    file_names
    | common(script=file_names, args=st.lists(texts, max_size=3))
    | common(
        kind=st.just("sql"), sql=st.just("select 1") | st.lists(st.just("select :a"), min_size=1, max_size=3)
    )
    | common(kind=st.just("sql"), file=file_names)
    | common(kind=st.just("lambda"), function=keys, args=arguments)
    | common(kind=st.just("glue"), job=keys)
    | common(kind=st.just("state_machine"), state_machine=keys, args=arguments)
)
stages = st.fixed_dictionaries(
    {
        "execution_type": st.sampled_from(["sequential", "parallel"]),
        "scripts": st.lists(jobs, min_size=1, max_size=4),
    },
    optional={
        "execution_flag": st.sampled_from(["y", "n"]),
        "max_concurrency": st.integers(1, 1000),
        "preconditions": st.just([{"kind": "time_window", "start": "06:00", "end": "22:00"}]),
    },
)
definitions = st.dictionaries(
    keys, st.fixed_dictionaries({"workflow_stages": st.lists(stages, min_size=1, max_size=3)}), max_size=3
)


@st.composite
def stacks(draw: st.DrawFn) -> dict[str, Any]:
    """The values of a valid stack."""
    aliases = draw(st.lists(keys, min_size=2, max_size=4, unique=True))
    networks = draw(st.lists(keys, min_size=1, max_size=4, unique=True))
    return {
        "platform": {
            "name": draw(st.from_regex(r"[a-z][a-z0-9]{1,8}", fullmatch=True)),
            "environment": draw(st.sampled_from(["sandbox", "dev", "staging", "prod"])),
            "owner": draw(lines),
            "cost_center": "cc-1",
            "tags": draw(st.dictionaries(keys, keys, max_size=3)),
        },
        "accounts": {
            alias: {"id": f"{number:012}", "regions": ["eu-central-1", "eu-west-1"]}
            for number, alias in enumerate(aliases, 1)
        },
        "network": {
            key: {
                "account": aliases[0],
                "cidr": f"10.{number}.0.0/20",
                "availability_zones": ["eu-central-1a", "eu-central-1b"],
            }
            for number, key in enumerate(networks)
        },
        "workflows": {
            "account": aliases[0],
            "network": networks[0],
            "operations": {"account": aliases[1]},
            "warehouse": {"secret": "a/b", "workgroup": "etl", "database": "dev"},
            "hosts": {"instance_ids": ["i-0a1b2c3d4e5f60001"]},
            "scripts": "scripts",
            "definitions": draw(definitions),
        },
        "guardrails": {
            "waivers": draw(
                st.dictionaries(
                    keys,
                    st.fixed_dictionaries(
                        {
                            "rule": keys,
                            "urn": lines,
                            "reason": lines,
                            "owner": lines,
                            "expires": st.dates().map(lambda day: day.isoformat()),
                        }
                    ),
                    max_size=2,
                )
            )
        },
    }


def shuffled(value: Any, order: Any) -> Any:
    """The same value with the keys of every mapping in another order."""
    if isinstance(value, dict):
        names = list(value)
        order.shuffle(names)
        return {name: shuffled(value[name], order) for name in names}
    return [shuffled(item, order) for item in value] if isinstance(value, list) else value


@settings(max_examples=150, deadline=None)
@given(stacks())
def test_a_config_survives_the_way_through_plain_data(values: dict[str, Any]) -> None:
    config = load(values)
    plain = config.model_dump(mode="json", exclude_none=True)
    assert load(json.loads(json.dumps(plain))) == config
    assert StackConfig.model_validate_json(config.model_dump_json()) == config


@settings(max_examples=100, deadline=None)
@given(stacks(), st.randoms(use_true_random=False))
def test_the_order_of_keys_means_nothing(values: dict[str, Any], order: Any) -> None:
    one, other = load(values), load(shuffled(values, order))
    assert one == other
    assert one.model_dump_json() == other.model_dump_json(), "not even in what is made from it"


@settings(max_examples=30, deadline=None)
@given(values=stacks())
def test_a_file_means_what_its_values_mean(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("stack")
    (folder / "scripts").mkdir()
    for definition in values["workflows"]["definitions"].values():
        for stage in definition["workflow_stages"]:
            for job in stage["scripts"]:
                name = job if isinstance(job, str) else job.get("script", job.get("file"))
                if name is not None:
                    (folder / "scripts" / name).write_text("select 1")
    path = folder / "Pulumi.dev.yaml"
    named = {f"landfall:{key}": value for key, value in values.items()}
    path.write_text(json.dumps({"config": named}), encoding="utf-8")  # JSON is YAML
    assert load_file(path).require() == load(values)


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.decode("latin-1")))
def test_no_text_makes_the_loader_raise(text: str) -> None:
    source = StackSource.of(Path("stacks/Pulumi.x.yaml"), text.encode("utf-8", "surrogatepass"))
    assert source.readable or source.problems


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_damage_to_a_good_file_makes_the_loader_raise(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    good = (ROOT / "stacks" / "Pulumi.prod.yaml").read_text()
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, min(len(good), start + 30)))
    text = good[:start] + data.draw(st.text("abz019:-[]{},'\"\n #&*!|>.\t", max_size=12)) + good[end:]
    folder = tmp_path_factory.mktemp("damaged")
    path = folder / "Pulumi.prod.yaml"
    path.write_text(text)
    result: LoadResult = load_file(path)
    assert result.ok or result.issues
    for issue in result.issues:
        assert issue.line >= 1
        assert issue.column >= 1
        assert issue.message
        assert issue.suggestion is not None


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["platform", "accounts", "network", "workflows", "guardrails", "x"]), json_values
    )
)
def test_no_values_make_load_raise_anything_but_config_errors(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(values)
    assert caught.value.issues


@given(
    st.from_regex(r"[a-z][a-z0-9]{1,18}", fullmatch=True),
    st.sampled_from(["sandbox", "dev", "staging", "prod"]),
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,80}", fullmatch=True),
    st.integers(1, 128),
)
def test_a_name_is_within_its_limit_or_refused(
    prefix: str, environment: str, purpose: str, limit: int
) -> None:
    wanted = f"{prefix}-{environment}-{purpose}"
    if len(wanted) <= limit:
        assert Names(prefix, environment).physical(purpose, limit) == wanted
    else:
        with pytest.raises(NameTooLong):
            Names(prefix, environment).physical(purpose, limit)


@given(
    st.text(max_size=60)
    | st.text("cron(at e0123456789*?/,-LW#MONJAN)", max_size=40).map(lambda body: f"cron({body})")
)
def test_an_expression_is_parsed_or_refused_with_one_that_is_right(expression: str) -> None:
    try:
        assert parse(expression) == expression
    except BadSchedule as error:
        assert str(error)
        if error.suggestion is not None and "?" in error.suggestion:
            assert error.suggestion != expression


@given(
    st.lists(
        st.sampled_from(["select 1", "select ';'", 'select ";"', "select $$;$$", "/* ; */ select 2"]),
        max_size=6,
    )
)
def test_joined_statements_are_split_again(statements: list[str]) -> None:
    assert split_statements(";\n".join(statements)) == tuple(statements)
