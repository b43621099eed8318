"""What the bank's settings may be, and what is said of others."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from nexapay import env

ROOT = Path(__file__).resolve().parents[2]
GOOD = "whsec_" + base64.b64encode(b"k" * 32).decode()


class TestManagementCommands:
    @pytest.mark.parametrize("command", ["check", "migrate"])
    def test_refuse_a_bank_that_we_do_not_have_in_one_sentence(self, command: str) -> None:
        ran = subprocess.run(
            [sys.executable, "manage.py", command],
            cwd=ROOT,
            env=os.environ | {"BANK": "foo"},
            capture_output=True,
            text=True,
            check=False,
        )

        assert ran.returncode == 1
        assert ran.stderr == "BANK is 'foo'; it must be simbank.\n"


class TestWebhookSecrets:
    def test_may_be_several(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BANK_WEBHOOK_SECRET", f"{GOOD} {GOOD}")

        assert env.webhook_secrets("BANK_WEBHOOK_SECRET") == [GOOD, GOOD]

    @pytest.mark.parametrize(
        "secret",
        [
            *("", "whsec_", GOOD.removeprefix("whsec_"), f"{GOOD} other"),
            "whsec_" + "A" * 33,  # No bytes have a base64 of that length.
            GOOD.rstrip("="),  # The library that signs does not take it.
            f"{GOOD}=",
            "whsec_" + base64.b64encode(b"k" * 23).decode(),
            GOOD.replace("a", "é"),
        ],
    )
    def test_are_refused_when_nothing_can_be_signed_with_them(
        self, monkeypatch: pytest.MonkeyPatch, secret: str
    ) -> None:
        monkeypatch.setenv("BANK_WEBHOOK_SECRET", secret)

        with pytest.raises(ImproperlyConfigured, match="BANK_WEBHOOK_SECRET must hold whsec_"):
            env.webhook_secrets("BANK_WEBHOOK_SECRET")
