from __future__ import annotations

from typing import Any

import pytest

from ..plans import UNKNOWN, messages, resource

RULE = "kms-key-rotation"
KEY = "aws:kms/key:Key"


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        (KEY, {"enableKeyRotation": True}),
        (KEY, {"customerMasterKeySpec": "RSA_2048", "keyUsage": "SIGN_VERIFY"}),
        (KEY, {"keyUsage": "GENERATE_VERIFY_MAC"}),
        ("aws:kms/alias:Alias", {}),
    ],
)
def test_passes_keys_that_rotate_or_cannot(kind: str, inputs: dict[str, Any]) -> None:
    assert messages(RULE, resource(kind, inputs)) == []


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({}, "`enableKeyRotation` is absent; it must be true"),
        ({"enableKeyRotation": False}, "`enableKeyRotation` is false; it must be true"),
        ({"keyUsage": UNKNOWN}, "`enableKeyRotation` is absent; it must be true"),
        (
            {"enableKeyRotation": UNKNOWN},
            "`enableKeyRotation` is not known before the update, "
            "so nobody can tell that it is right; it must be true",
        ),
    ],
)
def test_reports_symmetric_keys_that_do_not_rotate(inputs: dict[str, Any], said: str) -> None:
    assert messages(RULE, resource(KEY, inputs)) == [said]
