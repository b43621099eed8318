"""check_ledger notices what a head that somebody kept elsewhere says otherwise."""

import json
from contextlib import suppress
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.factories import make_wallet, send
from tests.wallet.published import as_owner, problems, publish, take_back_from
from wallet import checkpoints
from wallet.audit_tree import KeptHead
from wallet.models import Checkpoint, Wallet
from wallet.notes import Head, Signer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signing")]


class TestAKeptHead:
    def test_of_somebody_else_is_refused(self, head: Checkpoint) -> None:
        other = Signer("other.example/ledger", bytes(32)).sign(Head("o", 1, bytes(32)).text)

        assert "the head: its note is not signed" in problems(KeptHead("the head", other))

    def test_that_is_no_checkpoint_is_refused(self, head: Checkpoint) -> None:
        note = checkpoints.signer().sign("Dear Sir\n")

        assert "the head: its note is no checkpoint" in problems(KeptHead("the head", note))


class TestTheCommand:
    @pytest.mark.usefixtures("head")
    def test_compares_with_files_and_folders(self, tmp_path: Path, ana: Wallet) -> None:
        last = send(ana, make_wallet(), 25)
        publish()
        take_back_from(last)
        as_owner(
            "DELETE FROM wallet_leaf WHERE index >= 8",
            "DELETE FROM wallet_checkpoint WHERE size > 6",
        )
        folder = tmp_path / "checkpoints"
        file = folder / "000000000006.txt"

        assert self.run("--head", str(file)) == []
        [finding] = self.run("--head", str(file), "--head", str(folder))
        newest = folder / "000000000010.txt"
        assert finding.startswith(f"the head in {newest}: covers 10 entries, of which")

    def run(self, *options: str) -> list[str]:
        out = StringIO()
        publish()
        with suppress(CommandError):
            call_command("check_ledger", "--json", *options, stdout=out, stderr=StringIO())
        findings: list[str] = json.loads(out.getvalue())["findings"]
        return findings

    @pytest.mark.parametrize("name", ["missing.txt", ".", "binary"])
    def test_refuses_what_holds_no_head(self, name: str, tmp_path: Path) -> None:
        (tmp_path / "binary").write_bytes(b"\xff")

        with pytest.raises(CommandError, match=r"--head: .* (cannot be read|holds no checkpoints)"):
            call_command("check_ledger", "--head", str(tmp_path / name), stdout=StringIO())
