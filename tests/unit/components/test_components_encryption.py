"""Grants of key policies: to a service for one account, to log groups, to roles of another account."""

from __future__ import annotations

from components.encryption import ADMINISTER, USE, for_log_groups, for_roles, for_service


def test_a_service_uses_the_key_for_one_account() -> None:
    made = for_service("EventsSend", "events.amazonaws.com", "111111111111")
    assert made["Principal"] == {"Service": ["events.amazonaws.com"]}
    assert made["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert made["Condition"] == {"StringEquals": {"aws:SourceAccount": "111111111111"}}


def test_logs_use_the_key_for_log_groups_of_one_account_and_region() -> None:
    made = for_log_groups("eu-west-1", "111111111111")
    assert made["Principal"] == {"Service": ["logs.eu-west-1.amazonaws.com"]}
    assert made["Condition"] == {
        "ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:eu-west-1:111111111111:log-group:*"}
    }


def test_roles_of_other_accounts_are_conditions_not_principals() -> None:
    """KMS refuses a policy that names a role which does not exist yet."""
    roles = [
        "arn:aws:iam::222222222222:role/b",
        "arn:aws:iam::111111111111:role/c",
        "arn:aws:iam::111111111111:role/a",
    ]
    made = for_roles("PlanesUse", roles)
    assert made["Principal"] == {"AWS": ["arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:root"]}
    assert made["Condition"] == {"ArnEquals": {"aws:PrincipalArn": sorted(roles)}}


def test_whoever_administers_a_key_can_always_change_its_policy_and_never_reads_with_it() -> None:
    assert "kms:PutKeyPolicy" in ADMINISTER
    assert not {"kms:Decrypt", "kms:GenerateDataKey", "kms:Encrypt"} & set(ADMINISTER)
    assert {"kms:Decrypt", "kms:GenerateDataKey"} <= set(USE)
    assert not [action for action in (*ADMINISTER, *USE) if "*" in action]
