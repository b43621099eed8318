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
        assert ran.stderr == "BANK is 'foo'; it must be simbank or razorpay.\n"


class TestRazorpay:
    SETTINGS = {
        "BANK": "razorpay",
        "BANK_WEBHOOK_SECRET": "",
        "RAZORPAY_KEY_ID": "rzp_test_1DP5mmOlF5G5ag",
        "RAZORPAY_KEY_SECRET": "thisissupersecret",
        "RAZORPAY_WEBHOOK_SECRET": "a-webhook-secret-of-ours",
        "RAZORPAY_ACCOUNT_NUMBER": "7878780080316316",
    }

    def check(self, **changes: str) -> "subprocess.CompletedProcess[str]":
        kept = {name: value for name, value in os.environ.items() if name != "BANK_API_URL"}
        say = "from onramp.banks import get_bank; print(get_bank().name, get_bank()._api_url)"
        return subprocess.run(
            [sys.executable, "manage.py", "shell", "--verbosity", "0", "--command", say],
            cwd=ROOT,
            env=kept | self.SETTINGS | changes,
            capture_output=True,
            text=True,
            check=False,
        )

    def test_needs_its_own_settings_and_not_those_of_another_bank(self) -> None:
        assert self.check().stdout == "razorpay https://api.razorpay.com\n"

    def test_refuses_a_secret_that_can_be_guessed_in_one_sentence(self) -> None:
        ran = self.check(RAZORPAY_WEBHOOK_SECRET="secret")

        assert (ran.returncode, ran.stdout) == (1, "")
        assert ran.stderr.startswith("RAZORPAY_WEBHOOK_SECRET must hold secrets of 16 characters")


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
