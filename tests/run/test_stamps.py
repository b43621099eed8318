"""What one start need not do again."""

from pathlib import Path

import pytest

from nexapay import stamps


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "static/css").mkdir(parents=True)
    (tmp_path / "static/css/base.css").write_text("a {}")
    (tmp_path / "requirements.lock").write_text("django==5.2\n")
    return tmp_path


@pytest.fixture
def folder(root: Path) -> Path:
    """Return a data directory whose static files were just gathered."""
    data = root / ".nexapay"
    (data / "staticfiles").mkdir(parents=True)
    stamps.remember_statics(root, data)
    return data


class TestGatheredStaticFiles:
    def test_are_fresh_while_nothing_changed(self, root: Path, folder: Path) -> None:
        assert stamps.statics_are_fresh(root, folder)

    def test_are_stale_before_the_first_start(self, root: Path, tmp_path: Path) -> None:
        assert not stamps.statics_are_fresh(root, tmp_path)

    @pytest.mark.parametrize("name", ["static/css/base.css", "static/new.js", "requirements.lock"])
    def test_are_stale_when_a_source_changed(self, root: Path, folder: Path, name: str) -> None:
        (root / name).write_text("something else")

        assert not stamps.statics_are_fresh(root, folder)

    def test_are_stale_when_they_were_thrown_away(self, root: Path, folder: Path) -> None:
        (folder / "staticfiles").rmdir()

        assert not stamps.statics_are_fresh(root, folder)


class TestTheEmbeddedDatabase:
    @pytest.fixture(autouse=True)
    def _is_there(self, root: Path, folder: Path) -> None:
        (folder / "postgres").mkdir()
        (root / "wallet/migrations").mkdir(parents=True)
        (root / "wallet/migrations/0001_initial.py").touch()

    def test_is_new_until_it_was_served_from(self, root: Path, folder: Path) -> None:
        assert not stamps.was_served(folder)
        assert not stamps.is_prepared(root, folder)

        stamps.remember_prepared(root, folder)

        assert stamps.was_served(folder)
        assert stamps.is_prepared(root, folder)

    @pytest.mark.parametrize("name", ["wallet/migrations/0002_more.py", "requirements.lock"])
    def test_wants_preparing_when_migrations_may_be_new(
        self, root: Path, folder: Path, name: str
    ) -> None:
        stamps.remember_prepared(root, folder)

        (root / name).write_text("something else")

        assert stamps.was_served(folder)
        assert not stamps.is_prepared(root, folder)
