"""What a document newly allows is never missed, whatever patterns and exclusions it is written with."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landfall.risk.documents import AllBut, NotADocument, Part, statements
from landfall.risk.grants import Grant, added, summary

ACTIONS = ("s3:GetObject", "s3:PutObject", "s3:ListBucket", "iam:PassRole", "iam:CreateRole", "kms:Decrypt")
RESOURCES = ("arn:a", "arn:a/x", "arn:a/y", "arn:b")
PRINCIPALS = ("AWS:arn:aws:iam::111111111111:root", "AWS:arn:aws:iam::111111111111:role/r", "Service:s3")
ACCOUNTS = ("111111111111", "222222222222")


def document(*raw: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(raw)})


def allow(action: Any = "s3:GetObject", resource: Any = "arn:a", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def new_grants(old: str, new: str) -> tuple[Grant, ...]:
    return added(statements(old), statements(new))


def matches(pattern: str, text: str, *, fold: bool = False) -> bool:
    regular = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch(regular, text, re.DOTALL | (re.IGNORECASE if fold else 0)) is not None


def listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def says(raw: dict[str, Any], action: str, resource: str, principal: str, account: str) -> bool:
    """Whether a raw statement applies to a request: IAM's rules, by another way than the code under test."""

    def part(key: str, text: str, *, fold: bool = False) -> bool:
        if f"Not{key}" in raw:
            return not any(matches(pattern, text, fold=fold) for pattern in listed(raw[f"Not{key}"]))
        return any(matches(pattern, text, fold=fold) for pattern in listed(raw.get(key, "*")))

    def who() -> bool:
        if "Principal" not in raw:
            return True
        if raw["Principal"] == "*":
            return True
        return principal in [
            f"{kind}:{name}" for kind, names in raw["Principal"].items() for name in listed(names)
        ]

    wanted = raw.get("Condition", {}).get("StringEquals", {}).get("aws:SourceAccount")
    return (
        part("Action", action, fold=True)
        and part("Resource", resource)
        and who()
        and (wanted is None or account in listed(wanted))
    )


def allows(raw: list[dict[str, Any]], *request: str) -> bool:
    """Whether some Allow applies; denials are judged apart."""
    return any(item["Effect"] == "Allow" and says(item, *request) for item in raw)


def denies(raw: list[dict[str, Any]], *request: str) -> bool:
    return any(item["Effect"] == "Deny" and says(item, *request) for item in raw)


ACTION_PATTERNS = st.sampled_from(
    [*ACTIONS, "*", "s3:*", "s3:Get*", "S3:getobject", "iam:?assRole", "*:*Object", "kms:*", "s3:*t*"]
)
RESOURCE_PATTERNS = st.sampled_from([*RESOURCES, "*", "arn:a*", "arn:a/*", "arn:?", "arn:a/?"])
PRINCIPAL_VALUES = st.one_of(
    st.none(),
    st.just("*"),
    st.fixed_dictionaries(
        {
            "AWS": st.lists(
                st.sampled_from([p.removeprefix("AWS:") for p in PRINCIPALS[:2]]), min_size=1, max_size=2
            )
        }
    ),
    st.just({"Service": "s3"}),
)


@st.composite
def raw_statements(draw: st.DrawFn) -> dict[str, Any]:
    raw: dict[str, Any] = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"]))}
    for key, patterns in (("Action", ACTION_PATTERNS), ("Resource", RESOURCE_PATTERNS)):
        name = draw(st.sampled_from([key, key, f"Not{key}"]))
        raw[name] = draw(st.one_of(patterns, st.lists(patterns, min_size=1, max_size=3)))
    principal = draw(PRINCIPAL_VALUES)
    if principal is not None:
        raw["Principal"] = principal
    if draw(st.booleans()):
        accounts = draw(st.lists(st.sampled_from(ACCOUNTS), min_size=1, max_size=2, unique=True))
        raw["Condition"] = {"StringEquals": {"aws:SourceAccount": accounts}}
    return raw


DOCUMENTS = st.lists(raw_statements(), min_size=1, max_size=3)
REQUESTS = st.tuples(
    st.sampled_from(ACTIONS),
    st.sampled_from(RESOURCES),
    st.sampled_from(PRINCIPALS),
    st.sampled_from(ACCOUNTS),
)


def holds(part: Part, text: str, *, fold: bool = False) -> bool:
    if isinstance(part, AllBut):
        return not any(matches(pattern, text, fold=fold) for pattern in part.patterns)
    return part == "holder" or matches(part, text, fold=fold)


def reported(grants: tuple[Grant, ...], request: tuple[str, str, str, str], *, denial: bool) -> bool:
    action, resource, principal, _ = request
    return any(
        (grant.added == "denial") is denial
        and holds(grant.action, action, fold=True)
        and holds(grant.resource, resource)
        and holds(grant.principal, principal)
        for grant in grants
    )


@given(DOCUMENTS, DOCUMENTS, REQUESTS)
def test_no_request_that_is_newly_allowed_is_missed(
    old: list[dict[str, Any]], new: list[dict[str, Any]], request: tuple[str, str, str, str]
) -> None:
    grants = new_grants(document(*old), document(*new))
    if allows(new, *request) and not allows(old, *request):
        assert reported(grants, request, denial=False)
    if denies(old, *request) and not denies(new, *request):
        assert reported(grants, request, denial=True)


@given(DOCUMENTS, st.sampled_from(ACTIONS))
def test_an_action_that_is_added_to_a_document_is_reported_by_name(
    old: list[dict[str, Any]], action: str
) -> None:
    new = [*old, {"Effect": "Allow", "Action": [action], "Resource": "arn:new"}]
    grants = new_grants(document(*old), document(*new))
    known = any(
        item["Effect"] == "Allow"
        and item.get("Principal", "*") == "*"
        and all(says(item, action, "arn:new", PRINCIPALS[0], account) for account in ACCOUNTS)
        for item in old
    )
    assert known or any(grant.action == action and grant.resource == "arn:new" for grant in grants)


@given(DOCUMENTS)
def test_a_document_adds_nothing_to_itself(raw: list[dict[str, Any]]) -> None:
    assert new_grants(document(*raw), document(*raw)) == ()


@given(DOCUMENTS, st.randoms())
def test_the_order_of_statements_does_not_matter(raw: list[dict[str, Any]], random: Any) -> None:
    shuffled = list(raw)
    random.shuffle(shuffled)
    assert new_grants(document(*raw), document(*shuffled)) == ()
    empty = document()
    assert new_grants(empty, document(*raw)) == new_grants(empty, document(*shuffled))


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        (allow(), allow(), []),
        (allow(["s3:GetObject", "s3:PutObject"]), allow("s3:getobject"), []),
        (allow(), allow(["s3:GetObject", "s3:PutObject"]), ["+ s3:PutObject on arn:a (action added)"]),
        (allow(), allow(resource=["arn:a", "arn:b"]), ["+ s3:GetObject on arn:b (resource added)"]),
        (allow("s3:*"), allow("s3:PutObject"), []),
        (allow("s3:PutObject"), allow("s3:*"), ["+ s3:* on arn:a (action added)"]),
        (
            allow(Principal={"AWS": "111111111111"}),
            allow(Principal={"AWS": ["arn:aws:iam::111111111111:root", "222222222222"]}),
            ["+ s3:GetObject on arn:a for AWS:arn:aws:iam::222222222222:root (principal added)"],
        ),
        (
            allow(Principal={"Service": "s3"}),
            allow(Principal="*"),
            ["+ s3:GetObject on arn:a for everybody (principal added)"],
        ),
        (
            allow(Condition={"Bool": {"aws:SecureTransport": "true"}}),
            allow(),
            ["+ s3:GetObject on arn:a (condition dropped or widened)"],
        ),
        (allow(), allow(Condition={"Bool": {"aws:SecureTransport": "true"}}), []),
        (
            allow(Condition={"StringEquals": {"k": "a"}}),
            allow(Condition={"StringEquals": {"k": ["a", "b"]}}),
            ["+ s3:GetObject on arn:a when k StringEquals a, b (condition dropped or widened)"],
        ),
        (
            allow(Condition={"StringNotEquals": {"k": ["a", "b"]}}),
            allow(Condition={"stringnotequals": {"K": "a"}}),
            ["+ s3:GetObject on arn:a when K stringnotequals a (condition dropped or widened)"],
        ),
        (allow(Condition={"StringLike": {"k": "a*"}}), allow(Condition={"StringLike": {"k": "ab*"}}), []),
        (
            {"Effect": "Allow", "NotAction": ["iam:*", "sts:*"], "Resource": "*"},
            {"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"},
            ["+ everything but iam:* on * (action added)"],
        ),
        (
            {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
            {"Effect": "Allow", "NotAction": ["iam:*", "sts:*"], "Resource": "*"},
            [],
        ),
        (
            {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
            allow(["s3:Get*", "i*"], "*"),
            ["+ i* on * (action added)"],
        ),
        (
            {"Effect": "Deny", "Action": "s3:*", "Resource": "*"},
            {"Effect": "Deny", "Action": "s3:Put*", "Resource": "*"},
            ["- Deny s3:* on *"],
        ),
        (
            {"Effect": "Allow", "Action": "s3:Get*", "NotResource": "arn:a/${aws:username}"},
            allow("s3:GetObject", "arn:a/bob"),
            ["+ s3:GetObject on arn:a/bob (resource added)"],
        ),
        (
            allow("s3:GetObject", "arn:a/${*}"),
            allow("s3:GetObject", "arn:a/b"),
            ["+ s3:GetObject on arn:a/b (resource added)"],
        ),
    ],
)
def test_a_change_of_a_statement_is_said_in_a_line(
    old: dict[str, Any], new: dict[str, Any], lines: list[str]
) -> None:
    assert [grant.line() for grant in new_grants(document(old), document(new))] == lines


def test_what_was_allowed_elsewhere_is_a_new_combination() -> None:
    old = document(allow("s3:GetObject", "arn:a"), allow("s3:PutObject", "arn:b"))
    assert [grant.added for grant in new_grants(old, document(allow("s3:PutObject", "arn:a")))] == [
        "combination"
    ]


def test_grants_that_differ_in_their_action_share_a_line() -> None:
    grants = new_grants(document(), document(allow(["s3:GetObject", "s3:PutObject"], ["arn:a", "arn:b"])))
    assert list(summary(grants)) == [
        "+ s3:GetObject, s3:PutObject on arn:a (action added)",
        "+ s3:GetObject, s3:PutObject on arn:b (action added)",
    ]


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "[]", "{", '{"Statement": 7}', '{"Statement": [{"Effect": "Maybe"}]}',
     '{"Statement": [{"Effect": "Allow", "Principal": 7}]}',
     '{"Statement": [{"Effect": "Allow", "Condition": []}]}', "[" * 100_000],
)  # fmt: skip
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(NotADocument):
        statements(text)
