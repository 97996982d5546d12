"""The status page: who may see it, what it answers, in Flask and as a WSGI application."""

from __future__ import annotations

import io
import json
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import flask
import pytest
from flask import Flask

import orapool
from orapool import SessionPool, pools, status_page
from orapool.flask import status_page as mount
from orapool.sandbox import Sandbox
from orapool.watching.processes import find_origin
from orapool.watching.published import read
from tests.waiting import until
from tests.watching.test_published import write

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
FILES = ["/", "/page.js", "/charts.js", "/page.css", "/data.json"]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


@pytest.fixture
def pool(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SessionPool]:
    """The default pool, published where nobody else is."""
    monkeypatch.setattr(pools, "_settings", {})
    monkeypatch.setattr(pools, "_config", None)
    settings: dict[str, Any] = {"dsn": sandbox.dsn, "user": "scott", "password": "tiger", "driver": "oracledb"}
    orapool.configure(**settings, max=3, publish_dir=tmp_path / "published")
    yield orapool.pool()
    orapool.close()


def ask(page: Any, path: str, method: str = "GET", **environ: Any) -> tuple[str, dict[str, str], str]:
    """Status, headers and body of a WSGI application's answer, which is checked against the standard."""
    told: dict[str, Any] = {
        "PATH_INFO": path,
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "/_pool",
        "QUERY_STRING": "",
        **environ,
    }
    setup_testing_defaults(told)
    told["wsgi.input"] = io.BytesIO()
    found: list[Any] = []
    answer = validator(page)(told, lambda status, headers, error=None: found.extend([status, dict(headers)]) or bytes)
    try:
        return found[0] if found else "", found[1] if found else {}, b"".join(answer).decode()
    finally:
        answer.close()


ADMIN = {"REMOTE_USER": "admin"}


@pytest.fixture
def page() -> Any:
    """The WSGI application, for the admin."""
    return status_page.wsgi_app(allow=lambda environ: environ.get("REMOTE_USER") == "admin")


def fetch(page: Any, path: str, method: str = "GET", **environ: Any) -> tuple[int, dict[str, str], str]:
    """What the admin gets."""
    status, headers, body = ask(page, path, method, **{**ADMIN, **environ})
    return int(status.split()[0]), headers, body


class TestWithoutRight:
    @pytest.mark.parametrize("path", ["", *FILES, "/other"])
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_there_is_nothing_to_see(self, page: Any, path: str, method: str) -> None:
        status, headers, body = ask(page, path, method, REMOTE_USER="scott")

        assert (status, body) == ("403 Forbidden", "403 Forbidden\n")
        assert headers["Cache-Control"] == "no-store"

    @pytest.mark.parametrize("answer", ["yes", 1, None, flask.Flask("shop")])
    def test_is_everyone_whom_only_something_like_true_lets_in(
        self, answer: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        page = status_page.wsgi_app(allow=lambda environ: answer)

        with caplog.at_level(logging.WARNING, "orapool"):
            assert ask(page, "/")[0] == "403 Forbidden"
        assert ("nobody is let in" in caplog.text) == (answer is not None)

    def test_is_asked_for_at_each_request(self) -> None:
        answers = iter([True, False])
        page = status_page.wsgi_app(allow=lambda environ: next(answers))

        assert [ask(page, "/")[0] for _ in range(2)] == ["200 OK", "403 Forbidden"]

    def test_must_be_decided_by_somebody(self) -> None:
        with pytest.raises(TypeError, match="allow"):
            status_page.wsgi_app()  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="must be a function"):
            status_page.wsgi_app(allow=True)  # type: ignore[arg-type]


@pytest.mark.usefixtures("pool")
class TestAnAnswer:
    @pytest.mark.parametrize(
        ("path", "kind"),
        [
            ("/", "text/html; charset=utf-8"),
            ("/page.js", "text/javascript; charset=utf-8"),
            ("/charts.js", "text/javascript; charset=utf-8"),
            ("/page.css", "text/css; charset=utf-8"),
        ],
    )
    def test_is_a_file_with_a_strict_policy(self, page: Any, path: str, kind: str) -> None:
        status, headers, body = fetch(page, path)

        assert (status, headers["Content-Type"], int(headers["Content-Length"])) == (200, kind, len(body.encode()))
        assert headers["Content-Security-Policy"] == POLICY
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"

    def test_needs_nothing_from_elsewhere(self, page: Any) -> None:
        texts = {path: fetch(page, path)[2] for path in FILES[:4]}

        named = re.findall(r"""(?:src|href)="([^"]+)"|from "([^"]+)"|fetch\("([^"]+)""", "".join(texts.values()))
        names = {next(filter(None, each)).replace("./", "") for each in named}
        assert names == {"page.css", "page.js", "charts.js", "data.json"}
        assert {fetch(page, f"/{name}")[0] for name in names} == {200}
        for text in texts.values():
            assert re.findall(r"https?://[^\"]+", text) in ([], ["http://www.w3.org/2000/svg"])
            assert not re.search(r"@import|url\(|\bstyle=|\bon\w+=|innerHTML|outerHTML|insertAdjacentHTML|eval\(", text)

    @pytest.mark.parametrize("path", FILES[:4])
    def test_to_head_is_one_to_get_without_its_body(self, page: Any, path: str) -> None:
        status, headers, _ = fetch(page, path)

        assert fetch(page, path, "HEAD") == (status, headers, "")

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
    def test_to_other_methods_names_those_that_there_are(self, page: Any, method: str) -> None:
        status, headers, _ = fetch(page, "/data.json", method)

        assert (status, headers["Allow"]) == (405, "GET, HEAD")

    @pytest.mark.parametrize("path", ["/other", "/../app.py", "/app.py", "//", "/page.js/", "/page.html"])
    def test_to_other_paths_is_that_there_is_nothing(self, page: Any, path: str) -> None:
        assert fetch(page, path)[0] == 404

    def test_without_a_slash_leads_to_the_one_with(self, page: Any) -> None:
        assert fetch(page, "")[1]["Location"] == "/_pool/"
        assert fetch(page, "", SCRIPT_NAME="/a b/_pool")[1]["Location"] == "/a%20b/_pool/"
        assert fetch(page, "", SCRIPT_NAME="//elsewhere.example/_pool")[1]["Location"] == "/elsewhere.example/_pool/"
        path = "/größe".encode().decode("latin-1")  # as PEP 3333 has it
        assert fetch(page, "", SCRIPT_NAME=path)[1]["Location"] == "/gr%C3%B6%C3%9Fe/"


class TestTheData:
    def data(self, page: Any) -> dict[str, Any]:
        """As JSON."""
        status, headers, body = fetch(page, "/data.json")
        assert (status, headers["Content-Type"]) == (200, "application/json")
        found: dict[str, Any] = json.loads(body)
        return found

    def test_are_those_of_the_pool(self, page: Any, pool: SessionPool) -> None:
        with pool.acquire() as connection, pool.acquire():
            connection.cursor().execute("select 'hush' from dual").fetchall()
            until(lambda: self.data(page)["pools"] and self.data(page)["pools"][0]["checkouts"] == 2)
            found = self.data(page)

        (shown,) = found["pools"]
        assert (found["pid"], found["orapool"]) == (os.getpid(), orapool.__version__)
        assert (shown["pid"], shown["pool"], shown["user"]) == (os.getpid(), "default", "scott")
        assert (shown["opened"], shown["busy"], shown["checkouts"], shown["max"]) == (2, 2, 2, 3)
        assert shown["longest"]["place"].startswith("tests/test_status_page.py:")
        assert shown["recent"]["wait_p99"] == shown["wait_p99"] > 0
        assert shown["silent"] is False
        history = found["history"]
        assert {len(numbers) for numbers in history["pools"]["default"].values()} == {120}
        assert 0 <= found["at"] - (history["from"] + 120 * history["period"]) <= history["period"]

    def test_are_described_in_the_readme(self, page: Any, pool: SessionPool) -> None:
        with pool.acquire():
            until(lambda: self.data(page)["pools"])
            found = self.data(page)
        history = found["history"]
        keys = [*found, *found["pools"][0], *found["pools"][0]["recent"], *history, *history["pools"]["default"]]

        assert [key for key in keys if f"`{key}`" not in README] == []

    def test_have_no_secret_in_them(self, page: Any, pool: SessionPool) -> None:
        with pool.acquire() as connection:
            connection.cursor().execute("select 'hush' from dual").fetchall()
            until(lambda: self.data(page)["pools"])
            body = fetch(page, "/data.json")[2]

        assert "scott" in body
        assert "tiger" not in body
        assert "hush" not in body

    def test_have_nothing_of_other_applications_of_the_user(self, page: Any, pool: SessionPool, tmp_path: Path) -> None:
        folder = tmp_path / "published"
        with pool.acquire():
            until(lambda: read(folder))
            (mine,) = read(folder)
            other = replace(mine, key="other", origin=replace(find_origin(), program="another"))
            write(folder / "other.pool", other)

            assert len(read(folder)) == 2
            assert [each["pool"] for each in self.data(page)["pools"]] == ["default"]

    def test_are_there_without_a_pool_or_a_database(self, page: Any, pool: SessionPool, sandbox: Sandbox) -> None:
        assert self.data(page)["pools"] == []

        sandbox.refuse()
        for _ in range(4):
            with pytest.raises(pool.driver.dbapi.Error):
                pool.acquire()
        until(lambda: self.data(page)["pools"] and self.data(page)["pools"][0]["outage_since"])

    def test_are_there_without_settings(self, page: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(pools, "_settings", {})
        monkeypatch.setattr(pools, "_config", None)

        assert self.data(page)["pools"] == []


class TestInFlask:
    @pytest.fixture
    def app(self) -> Flask:
        """An application without it."""
        app = Flask("shop")
        app.secret_key = "a secret"
        return app

    def test_it_is_off_by_default(self, app: Flask) -> None:
        assert app.test_client().get("/_pool/").status_code == 404

    @pytest.mark.usefixtures("pool")
    def test_it_shows_itself_to_those_who_may(self, app: Flask) -> None:
        mount(app, "/_pool", allow=lambda: flask.session.get("user") == "admin")
        client = app.test_client()

        assert [client.get(f"/_pool{path}").status_code for path in FILES] == [403] * 5
        with client.session_transaction() as session:
            session["user"] = "admin"
        answers = [client.get(f"/_pool{path}") for path in FILES]
        assert [answer.status_code for answer in answers] == [200] * 5
        assert {answer.headers["Content-Security-Policy"] for answer in answers} == {POLICY}
        assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}
        assert client.get("/_pool").headers["Location"].endswith("/_pool/")
        assert client.head("/_pool/").headers["Content-Length"] == str(len(answers[0].data))
        assert client.head("/_pool/").data == b""
        assert client.post("/_pool/data.json").status_code == 405
        assert client.options("/_pool/").headers["Allow"] == "GET, HEAD"
        assert client.get("/_pool/other").status_code == 404

    def test_the_callback_may_refuse_in_its_own_way(self, app: Flask) -> None:
        mount(app, allow=lambda: flask.abort(401))

        assert app.test_client().get("/_pool/").status_code == 401

    def test_a_redirect_returned_instead_lets_nobody_in(self, app: Flask) -> None:
        mount(app, allow=lambda: flask.redirect("/login"))  # type: ignore[arg-type, return-value]

        assert app.test_client().get("/_pool/").status_code == 403

    def test_its_files_are_beside_it_also_where_slashes_are_optional(self, app: Flask) -> None:
        app.url_map.strict_slashes = False
        mount(app, "admin/pools/", allow=lambda: True)

        answer = app.test_client().get("/admin/pools", environ_overrides={"SCRIPT_NAME": "/shop"})
        assert answer.headers["Location"].endswith("/shop/admin/pools/")
        assert app.test_client().get("/admin/pools/page.css").status_code == 200

    def test_a_wrong_place_is_told(self, app: Flask) -> None:
        with pytest.raises(orapool.ConfigurationError, match="a path below it"):
            mount(app, "/", allow=lambda: True)
        with pytest.raises(TypeError, match="allow"):
            mount(app, allow="admin")  # type: ignore[arg-type]
        mount(app, allow=lambda: True)
        with pytest.raises(orapool.ConfigurationError, match="already"):
            mount(app, "/other", allow=lambda: True)
