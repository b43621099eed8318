"""
How the house is built, checked on every run: who may import whom, who may write money, how long
things get. The layers themselves are contracts of import-linter, in pyproject.toml.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
KERNEL = "nexapay.kernel"
MAY_IMPORT = {
    KERNEL: set[str](),
    "nexapay": {KERNEL},  # Settings and addresses name the apps in strings.
    "accounts": {KERNEL},
    "wallet": {KERNEL, "accounts"},
    "onramp": {KERNEL, "accounts", "wallet"},
    "onramp.simbank": {KERNEL},  # Somebody else's bank: it and we speak HTTP.
}
PUBLIC = {"events", "models", "selectors", "services"}

MONEY = {"Balance", "Entry", "Transfer"}
ITS_RELATIONS = {"balance", "entries", "transfers_in", "transfers_out"}
WRITES = {
    "create", "get_or_create", "update_or_create", "bulk_create", "update", "bulk_update",
    "delete", "save", "add", "set", "remove", "clear", "raw",
}  # fmt: skip
WRITING_SQL = re.compile(
    r"\b(insert\s+into|update|delete\s+from|truncate(\s+table)?|merge\s+into|copy)\s+"
    r"(only\s+)?wallet_(balance|entry|transfer)\b",
    re.IGNORECASE,
)
THE_JOURNAL = {"wallet/journal.py", "wallet/sql.py"}
# An empty balance, at version 0, is born with its wallet; the database refuses any other.
BORN_EMPTY = ("wallet/services/wallets.py", "Balance.objects.get_or_create")

INLINE = re.compile(
    r"<script\b(?![^>]*\bsrc=)|\sstyle\s*=|\son[a-z]+\s*=|\shx-on[:\-a-z]*\s*=|javascript:",
    re.IGNORECASE,
)


def modules() -> list[str]:
    """Return our own modules, as paths from the root; tests have rules of their own."""
    tops = {module.split(".")[0] for module in MAY_IMPORT}
    found = [path for top in tops for path in (ROOT / top).rglob("*.py")]
    return sorted(str(path.relative_to(ROOT)) for path in found)


MODULES = modules()
WRITTEN = [path for path in MODULES if "/migrations/" not in path]
TEMPLATES = sorted(
    str(path.relative_to(ROOT)) for path in (ROOT / "templates").rglob("*") if path.is_file()
)


@cache
def tree(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def layer_of(module: str) -> str:
    """Return the innermost layer that holds this module, or "" for other people's code."""
    holding = (layer for layer in MAY_IMPORT if f"{module}.".startswith(f"{layer}."))
    return max(holding, key=len, default="")


def imported(path: str) -> set[str]:
    """Return all that a module imports, by full name."""
    names = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


class TestImports:
    def test_point_down_and_stay_on_the_surface(self) -> None:
        wrong = {
            f"{path}: {name}" for path in MODULES for name in imported(path) if strays(path, name)
        }

        assert wrong == set()

    def test_are_written_in_full(self) -> None:
        wrong = {
            f"{path}:{node.lineno}"
            for path in MODULES
            for node in ast.walk(tree(path))
            if isinstance(node, ast.ImportFrom) and (node.level or node.names[0].name == "*")
        }
        assert wrong == set()

    def test_stand_at_the_top(self) -> None:
        inside = {
            f"{path}:{node.lineno}"
            for path in MODULES
            for function in ast.walk(tree(path))
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
            for node in ast.walk(function)
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
        assert inside == set()

    @pytest.mark.parametrize(
        ("path", "name"),
        [
            ("wallet/services/sending.py", "onramp.services.start_onramp"),
            ("wallet/models.py", "accounts.forms.SignUpForm"),
            ("onramp/services/inbox.py", "wallet.journal"),
            ("onramp/simbank/api.py", "wallet.models.Wallet"),
            ("onramp/simbank/api.py", "onramp.models.BankEvent"),
            ("onramp/banks/simbank.py", "onramp.simbank.models.Payment"),
            ("nexapay/urls.py", "wallet.urls"),
            ("nexapay/kernel/http.py", "accounts.models.User"),
            ("nexapay/kernel/http.py", "nexapay.settings"),
        ],
    )
    def test_are_seen_when_they_stray(self, path: str, name: str) -> None:
        assert strays(path, name)


def strays(path: str, name: str) -> bool:
    """Whether the module at path may not import name."""
    here, there = layer_of(path.removesuffix(".py").replace("/", ".")), layer_of(name)
    if there in {"", here}:
        return False
    surface = name.removeprefix(f"{there}.").split(".")[0]
    return there not in MAY_IMPORT[here] or (there != KERNEL and surface not in PUBLIC)


class TestMoney:
    """Nobody outside wallet/journal.py writes a balance, an entry or a transfer."""

    def test_is_written_by_the_journal_alone(self) -> None:
        found = {
            (path, what)
            for path in WRITTEN
            if path not in THE_JOURNAL
            for what in writes(tree(path))
        }
        assert found == {BORN_EMPTY}

    def test_is_written_in_sql_by_the_journal_s_one_statement(self) -> None:
        found = {
            path
            for path in WRITTEN
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and WRITING_SQL.search(node.value)
        }
        assert found == {"wallet/sql.py"}

    def test_goes_by_its_own_name(self) -> None:
        renamed = {
            (path, alias.name)
            for path in WRITTEN
            for node in ast.walk(tree(path))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
            if alias.name in MONEY and alias.asname
        }
        assert renamed == set()

    @pytest.mark.parametrize(
        "code",
        [
            "Balance(wallet_id=1)",
            "models.Entry(delta=1)",
            "Transfer.objects.create(a=1)",
            "Entry.objects.bulk_create(rows)",
            "models.Balance.objects.filter(pk=1).order_by('pk').update(a=1)",
            "wallet.balance.save()",
            "transfer.entries.all().delete()",
        ],
    )
    def test_is_seen_when_it_is_written(self, code: str) -> None:
        assert list(writes(ast.parse(code)))


def writes(module: ast.Module) -> Iterator[str]:
    """Find constructions of money's rows, and writing calls on their managers and relations."""
    for node in ast.walk(module):
        *before, last = chain(node.func) if isinstance(node, ast.Call) else [""]
        if last in MONEY or (last in WRITES and set(before) & (MONEY | ITS_RELATIONS)):
            yield ".".join([*before, last])


def chain(node: ast.expr) -> list[str]:
    """Return the names of a.b(...).c as [a, b, c]; what is not a name is empty."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        return [*chain(node.value), node.attr]
    if isinstance(node, ast.Call):
        return chain(node.func)
    return chain(node.value) if isinstance(node, ast.Subscript) else [""]


class TestSizes:
    def test_of_modules_stay_under_300_lines(self) -> None:
        assert {path for path in WRITTEN if lines(path) >= 300} == set()

    def test_of_functions_stay_within_50_lines(self) -> None:
        long = {
            f"{path}: {node.name}"
            for path in WRITTEN
            for node in ast.walk(tree(path))
            if isinstance(node, ast.FunctionDef)
            and (node.end_lineno or node.lineno) - node.lineno >= 50
        }
        assert long == set()

    def test_of_templates_stay_under_80_lines(self) -> None:
        assert {path for path in TEMPLATES if lines(path) >= 80} == set()


def lines(path: str) -> int:
    return len((ROOT / path).read_text(encoding="utf-8").splitlines())


class TestMarkup:
    """The content security policy runs no inline style, script or handler: so none is written."""

    def test_of_templates_has_nothing_inline(self) -> None:
        texts = {path: (ROOT / path).read_text(encoding="utf-8") for path in TEMPLATES}

        assert {path for path, text in texts.items() if INLINE.search(text)} == set()

    def test_in_python_has_nothing_inline(self) -> None:
        inline = {
            f"{path}:{node.lineno}"
            for path in WRITTEN
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and "<" in node.value
            and INLINE.search(node.value)
        }
        assert inline == set()

    @pytest.mark.parametrize(
        "markup",
        [
            '<p style="color: red">',
            "<script>alert(1)</script>",
            '<a onclick="go()">',
            '<a\nonmouseover = "go()">',
            '<a href="javascript:go()">',
            '<b hx-on:click="go()">',
            '<b hx-on--load="go()">',
        ],
    )
    def test_is_seen_when_it_is_inline(self, markup: str) -> None:
        assert INLINE.search(markup)
