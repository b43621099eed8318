"""The Content-Security-Policy: strict, made once, and still what a view asks for."""

import pytest
from csp.constants import NONCE
from csp.decorators import csp_exempt, csp_replace, csp_update
from csp.exceptions import CSPNonceError
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path

HEADER = "Content-Security-Policy"


@login_not_required
def usual(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@login_not_required
def with_its_own(request: HttpRequest) -> HttpResponse:
    return HttpResponse(headers={HEADER: "sandbox"})


@login_not_required
def with_nonce(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(request.csp_nonce))  # type: ignore[attr-defined]


urlpatterns = [
    path("usual/", usual),
    path("its-own/", with_its_own),
    path("nonce/", csp_update({"script-src": [NONCE]})(with_nonce)),
    path("any-nonce/", with_nonce),
    path("exempt/", csp_exempt()(usual)),
    path("updated/", csp_update({"form-action": ["https://bank.example"]})(usual)),
    path("replaced/", csp_replace({"img-src": ["https://pictures.example"]})(usual)),
]


def policy(client: Client, path: str) -> list[str]:
    """Return the directives that come with the answer."""
    return sorted(client.get(path)[HEADER].split("; "))


@pytest.mark.urls("tests.kernel.test_policy")
class TestPolicy:
    def test_is_strict(self, client: Client) -> None:
        found = policy(client, "/usual/")

        assert "default-src 'none'" in found
        assert "script-src 'self'" in found
        assert "unsafe" not in str(found)

    @pytest.mark.parametrize(
        ("path", "directive"),
        [
            ("/updated/", "form-action 'self' https://bank.example"),
            ("/replaced/", "img-src https://pictures.example"),
            ("/its-own/", "sandbox"),
        ],
    )
    def test_is_what_one_view_asks_for_and_no_other(
        self, client: Client, path: str, directive: str
    ) -> None:
        before = policy(client, "/usual/")

        assert directive in policy(client, path)
        assert policy(client, "/usual/") == before
        assert directive not in before

    def test_names_the_nonce_of_a_page_that_has_one(self, client: Client) -> None:
        answer = client.get("/nonce/")

        assert f"script-src 'self' 'nonce-{answer.content.decode()}'" in answer[HEADER]

    def test_names_it_also_where_the_settings_allow_one(self) -> None:
        with override_settings(CONTENT_SECURITY_POLICY={"DIRECTIVES": {"script-src": [NONCE]}}):
            answer = Client().get("/any-nonce/")

        assert f"script-src 'nonce-{answer.content.decode()}'" in answer[HEADER]

    def test_is_left_out_where_a_view_says_so(self, client: Client) -> None:
        assert HEADER not in client.get("/exempt/")

    def test_is_that_of_the_settings(self) -> None:
        with override_settings(CONTENT_SECURITY_POLICY_REPORT_ONLY={"DIRECTIVES": {}}):
            answer = Client().get("/usual/")

        assert answer[f"{HEADER}-Report-Only"] == "default-src 'self'"
        assert "default-src 'none'" in answer[HEADER]

    def test_refuses_a_nonce_that_it_could_not_name_any_more(self, client: Client) -> None:
        request = client.get("/usual/").wsgi_request

        with pytest.raises(CSPNonceError):
            str(request.csp_nonce)  # type: ignore[attr-defined]
