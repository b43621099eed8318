"""What whoever watches over the site may ask: whether it is alive, and whether it is ready."""

import socket
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.graph import MigrationGraph
from django.test import Client


def refuse(*_: object) -> None:
    raise AssertionError("asked on a connection that may wait for ever")


@pytest.mark.django_db
class TestHealth:
    def test_is_alive(self, client: Client) -> None:
        assert client.get("/healthz").json() == {"status": "ok"}

    def test_is_ready_when_migrated(self, client: Client) -> None:
        answer = client.get("/readyz")

        assert (answer.status_code, answer.json()["status"]) == (200, "ok")

    def test_is_not_ready_while_migrations_wait(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        newer = [("wallet", "9999_newer_than_the_database")]
        monkeypatch.setattr(MigrationGraph, "leaf_nodes", lambda graph: newer)

        answer = client.get("/readyz")

        assert (answer.status_code, answer.json()["migrations"]) == (503, "waiting")

    def test_is_not_ready_while_the_database_is_gone(
        self, client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setitem(connection.settings_dict, "HOST", str(tmp_path))

        answer = client.get("/readyz")

        assert (answer.status_code, answer.json()["database"]) == (503, "unreachable")

    def test_does_not_wait_for_a_database_that_was_stopped(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client.cookies["sessionid"] = "0123456789abcdefghijklmnopqrstuv"
        with socket.create_server(("127.0.0.1", 0)) as silent:  # connects, and never answers
            monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
            monkeypatch.setitem(connection.settings_dict, "PORT", str(silent.getsockname()[1]))
            with connection.execute_wrapper(refuse):
                answer = client.get("/readyz")

        assert (answer.status_code, answer.json()["database"]) == (503, "unreachable")
