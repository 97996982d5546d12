"""The page as a WSGI application: what it answers to whom. It asks nothing of any database."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Callable
from urllib.parse import quote

from orapool.status_page.data import describe_application

log = logging.getLogger("orapool.status_page")

METHODS = ("GET", "HEAD")
_FILES = {
    "": ("page.html", "text/html; charset=utf-8"),
    "page.js": ("page.js", "text/javascript; charset=utf-8"),
    "charts.js": ("charts.js", "text/javascript; charset=utf-8"),
    "page.css": ("page.css", "text/css; charset=utf-8"),
}
_DATA = "data.json"
HEADERS = (
    ("Cache-Control", "no-store"),
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'",
    ),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
)
"""Of every answer."""

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True)
class Answer:
    """To a request; `body` is without what HEAD leaves out."""

    status: HTTPStatus
    headers: tuple[tuple[str, str], ...]
    body: bytes


def wsgi_app(*, allow: Callable[[Mapping[str, Any]], bool]) -> WsgiApp:
    """A WSGI application that shows the pools of this process and of those of the same application beside it.

    `allow` is called at each request with its WSGI environ, and says who may look: only True lets in, others get status
    403. Its exceptions reach the server. Mount it below a path of its own, such as /_pool.

    >>> page = wsgi_app(allow=lambda environ: environ.get("REMOTE_USER") == "admin")
    >>> application = DispatcherMiddleware(application, {"/_pool": page})
    """
    check_callable(allow)

    def page(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO") or "")
        base = str(environ.get("SCRIPT_NAME") or "").encode("latin-1").decode("utf-8", "replace")
        found = answer(str(environ["REQUEST_METHOD"]), path, base, is_allowed(allow, environ))
        start_response(f"{found.status.value} {found.status.phrase}", list(found.headers))
        return [found.body]

    return page


def is_allowed(allow: Callable[..., bool], *arguments: Any) -> bool:
    """Whether a callback lets somebody in: by True itself, since an answer such as a redirect may be true, too."""
    found: object = allow(*arguments)
    if found is not True and found is not False and found is not None:
        log.warning("allow of the status page returned a %s, not True or False: nobody is let in", type(found).__name__)
    return found is True


def answer(method: str, path: str, base: str, allowed: bool) -> Answer:
    """What to answer to a request of a path below the page's own, ``base``."""
    if not allowed:
        return _say(method, HTTPStatus.FORBIDDEN)
    if method not in METHODS:
        return _say(method, HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", ", ".join(METHODS)))
    if not path:  # what the page names is beside it
        return _say(method, HTTPStatus.PERMANENT_REDIRECT, ("Location", quote(f"/{base.strip('/')}/")))
    name = path[1:]
    if name == _DATA:
        text = json.dumps(describe_application(), separators=(",", ":")).encode()
        return _answer(method, HTTPStatus.OK, "application/json", text)
    if name not in _FILES:
        return _say(method, HTTPStatus.NOT_FOUND)
    file, kind = _FILES[name]
    return _answer(method, HTTPStatus.OK, kind, Path(__file__).with_name(file).read_bytes())


def _say(method: str, status: HTTPStatus, *headers: tuple[str, str]) -> Answer:
    return _answer(method, status, "text/plain; charset=utf-8", f"{status.value} {status.phrase}\n".encode(), *headers)


def _answer(method: str, status: HTTPStatus, kind: str, body: bytes, *headers: tuple[str, str]) -> Answer:
    told = (("Content-Type", kind), ("Content-Length", str(len(body))), *HEADERS, *headers)
    return Answer(status, told, b"" if method == "HEAD" else body)


def check_callable(allow: object) -> None:
    """Raises `TypeError` for what could let nobody in."""
    if not callable(allow):
        raise TypeError(f"allow must be a function that says who may look at the page, not {allow!r}")
