"""Secrets, ports and the environment that every process of ours is started with."""

import base64
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nexapay import datadir, env
from nexapay.progress import Refusal
from nexapay.serving import listening


def build(folder: Path, **given: str) -> datadir.Environment:
    return datadir.environment(
        given, folder, database_url="postgresql://x@/x", site_port=8000, bank=8001
    )


class TestASecret:
    def test_is_generated_once(self, tmp_path: Path) -> None:
        first = datadir.secret(tmp_path, "SECRET_KEY")

        assert len(first) >= 50
        assert datadir.secret(tmp_path, "SECRET_KEY") == first

    def test_is_readable_by_its_owner_alone(self, tmp_path: Path) -> None:
        datadir.secret(tmp_path, "SECRET_KEY")

        (only,) = (tmp_path / "secrets").iterdir()
        assert only.stat().st_mode & 0o777 == 0o600
        assert only.parent.stat().st_mode & 0o777 == 0o700

    def test_for_the_webhook_has_the_standard_form(self, tmp_path: Path) -> None:
        secret = datadir.secret(tmp_path, "BANK_WEBHOOK_SECRET")

        assert secret.startswith("whsec_")
        assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32

    def test_for_checkpoints_is_the_base64_of_32_bytes(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CHECKPOINT_KEY", datadir.secret(tmp_path, "CHECKPOINT_KEY"))

        assert len(env.seed("CHECKPOINT_KEY") or b"") == 32

    def test_is_the_same_for_all_who_start_at_once(self, tmp_path: Path) -> None:
        with ThreadPoolExecutor(16) as pool:
            seen = set(pool.map(lambda _: datadir.secret(tmp_path, "SECRET_KEY"), range(64)))

        assert len(seen) == 1

    def test_that_is_empty_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "secrets").mkdir()
        (tmp_path / "secrets/SECRET_KEY").touch()

        with pytest.raises(Refusal, match=r"SECRET_KEY: .* is empty"):
            datadir.secret(tmp_path, "SECRET_KEY")


class TestTheEnvironment:
    def test_is_that_of_production_on_this_machine_alone(self, tmp_path: Path) -> None:
        ours = build(tmp_path)

        assert (ours["DEBUG"], ours["HTTPS"]) == ("0", "0")
        assert ours["ALLOWED_HOSTS"] == "127.0.0.1,localhost,[::1]"
        assert ours["SITE_URL"] == "http://127.0.0.1:8000"
        assert ours["BANK_API_URL"] == "http://127.0.0.1:8001"
        assert ours["EMAIL_URL"] == "console:"

    def test_lets_the_caller_decide(self, tmp_path: Path) -> None:
        ours = build(tmp_path, SECRET_KEY="mine", DEBUG="1", ALLOWED_HOSTS="example.org")

        assert (ours["SECRET_KEY"], ours["DEBUG"], ours["ALLOWED_HOSTS"]) == (
            "mine",
            "1",
            "example.org",
        )
        assert not (tmp_path / "secrets/SECRET_KEY").exists()

    def test_lets_a_file_of_the_callers_decide(self, tmp_path: Path) -> None:
        assert "SECRET_KEY" not in build(tmp_path, SECRET_KEY_FILE="/run/secrets/key")

    def test_takes_an_empty_variable_for_an_unset_one(self, tmp_path: Path) -> None:
        assert build(tmp_path, SECRET_KEY="")["SECRET_KEY"] != ""

    def test_hands_on_what_it_knows_nothing_of(self, tmp_path: Path) -> None:
        assert build(tmp_path, LANG="C.UTF-8")["LANG"] == "C.UTF-8"


class TestAPort:
    @pytest.mark.parametrize(
        "text", ["abc", "-1", "65536", "8000.0", "1e3", "٨٠٠٠", "9" * 30, " 1"]
    )
    def test_that_is_malformed_is_refused_by_name(self, text: str) -> None:
        with pytest.raises(Refusal, match=r"^PORT must be a whole number from 1 to 65535"):
            datadir.port({"PORT": text})
        with pytest.raises(Refusal, match=r"^--port must be"):
            datadir.port({}, text)

    def test_is_the_options_before_the_environments(self) -> None:
        assert datadir.port({}) == 8000
        assert datadir.port({"PORT": "8100"}) == 8100
        assert datadir.port({"PORT": "8100"}, "8200") == 8200

    def test_that_is_taken_is_refused_in_words(self) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]

            with pytest.raises(Refusal, match=f"Port {port} cannot be used"), listening(port):
                pytest.fail("it was taken")

    def test_of_the_bank_stays_while_it_is_free(self, tmp_path: Path) -> None:
        first = datadir.bank_port(tmp_path)

        assert datadir.bank_port(tmp_path) == datadir.last_bank_port(tmp_path) == first
        with socket.socket() as other:
            other.bind(("127.0.0.1", first))
            assert datadir.bank_port(tmp_path) != first


class TestANumber:
    @pytest.mark.parametrize("text", ["0", "two", "-2", "129"])
    def test_of_workers_is_refused_by_name_when_it_is_malformed(self, text: str) -> None:
        with pytest.raises(Refusal, match=r"^WEB_CONCURRENCY must be"):
            datadir.check_numbers({"WEB_CONCURRENCY": text})


class TestTheDataDirectory:
    def test_is_made_where_it_is_asked_for(self, tmp_path: Path) -> None:
        asked = tmp_path / "deep" / "down"

        assert datadir.data_dir({"NEXAPAY_DATA_DIR": str(asked)}) == asked
        assert asked.stat().st_mode & 0o777 == 0o700

    def test_that_cannot_be_made_is_refused_by_name(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()

        with pytest.raises(Refusal, match=r"^NEXAPAY_DATA_DIR: .* cannot be made"):
            datadir.data_dir({"NEXAPAY_DATA_DIR": str(tmp_path / "file" / "below")})
