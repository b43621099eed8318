"""People, as staff see them."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.models import User
from tests.accounts.conftest import Post, who
from tests.factories import PASSWORD, make_user
from wallet.models import Wallet


@pytest.fixture
def root(client: Client) -> User:
    person: User = User.objects.create_superuser("root.ops", PASSWORD)
    client.force_login(person)
    return person


class TestCreateSuperuser:
    def test_needs_a_handle_and_a_password_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "seven-green-parrots")

        call_command("createsuperuser", "--noinput", "--handle", "Ops", stdout=StringIO())

        ops = User.objects.get(handle="ops")
        assert ops.is_superuser
        assert ops.check_password("seven-green-parrots")

    @pytest.mark.django_db(transaction=True)
    def test_leaves_nobody_when_what_opens_with_them_does_not(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("wallet.services.open_wallet", lambda **_: 1 / 0)

        with pytest.raises(ZeroDivisionError):
            User.objects.create_superuser("ops", "x")

        assert not User.objects.exists()


class TestAdminDoor:
    def test_is_the_same_as_everybodys(self, client: Client, sign_in: Post) -> None:
        User.objects.create_superuser("root.ops", PASSWORD)

        door = client.get("/admin/", follow=True).redirect_chain[-1][0]

        assert door.startswith("/accounts/login/?next=")
        assert sign_in("@root.ops", PASSWORD, next="/admin/")["Location"] == "/admin/"
        assert client.get("/admin/").status_code == 200

    def test_guesses_there_are_counted_by_nobody_else(self, client: Client) -> None:
        User.objects.create_superuser("root.ops", PASSWORD)

        client.post("/admin/login/", {"username": "root.ops", "password": PASSWORD})

        assert who(client) is None

    def test_is_closed_to_who_is_not_staff(self, client: Client) -> None:
        client.force_login(make_user())

        assert client.get("/admin/", follow=True).status_code == 403


class TestUserAdmin:
    @pytest.mark.parametrize("query", ["kabir", "Mehta", "98450 68214", "kabir@ex"])
    def test_finds_by_handle_name_phone_and_email(
        self, client: Client, root: User, query: str
    ) -> None:
        make_user("Kabir Mehta", handle="kabir", phone="+919845068214", email="kabir@example.com")
        make_user("Meera Iyer", handle="meera", phone="+919845000000")

        page = client.get("/admin/accounts/user/", {"q": query}).content.decode()

        assert "Kabir Mehta" in page
        assert "Meera Iyer" not in page

    def test_leads_to_the_wallets(self, client: Client, root: User) -> None:
        kabir = Wallet.objects.get(owner=make_user("Kabir")).owner

        page = client.get("/admin/accounts/user/").content.decode()

        assert f"/admin/wallet/wallet/?owner__id__exact={kabir.pk}" in page  # type: ignore[union-attr]

    def test_closes_an_account_and_writes_nothing_else(self, client: Client, root: User) -> None:
        kabir = make_user("Kabir", handle="kabir")
        url = f"/admin/accounts/user/{kabir.pk}/change/"

        response = client.post(url, {"name": "Kabir", "handle": "stolen"})

        kabir.refresh_from_db()
        assert response.status_code == 302
        assert not kabir.is_active
        assert kabir.handle == "kabir"

    def test_lets_staff_give_nobody_rights(self, client: Client, root: User) -> None:
        User.objects.filter(pk=root.pk).update(is_superuser=False)
        root.user_permissions.set(
            root.user_permissions.model.objects.filter(content_type__app_label="accounts")
        )
        url = f"/admin/accounts/user/{root.pk}/change/"

        client.post(url, {"name": "Root", "is_staff": "on", "is_superuser": "on"})

        root.refresh_from_db()
        assert not root.is_superuser

    @pytest.mark.parametrize("path", ["user/add/", "user/{}/delete/"])
    def test_neither_makes_nor_deletes_people(self, client: Client, root: User, path: str) -> None:
        assert client.get(f"/admin/accounts/{path.format(root.pk)}").status_code == 403

    def test_shows_no_password(self, client: Client, root: User) -> None:
        page = client.get(f"/admin/accounts/user/{root.pk}/change/").content.decode()

        assert "argon2" not in page

    def test_has_no_second_list_of_addresses(self, client: Client, root: User) -> None:
        assert client.get("/admin/account/emailaddress/").status_code == 404


def test_every_page_of_the_admin_has_our_icon(client: Client, root: User) -> None:
    """Without it browsers ask for /favicon.ico, and the log fills with what is not there."""
    page = client.get("/admin/accounts/user/").content.decode()

    assert '<link rel="icon" href="/static/img/icon' in page
