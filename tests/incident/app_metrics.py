"""The shop on orapool, scraped by Prometheus: by prometheus_client's multi-process mode, and by orapool's collector."""

from __future__ import annotations

import contextlib
import struct
from typing import Any

from flask import Flask, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from orapool.metrics import prometheus
from tests.incident import app_new

requests = Counter("shop_requests", "Requests that were served.")


def written(registry: CollectorRegistry, attempts: int = 100) -> bytes:
    """All numbers, read again where another worker has just made its file: prometheus_client stumbles on empty ones."""
    for _ in range(attempts):
        with contextlib.suppress(struct.error):
            return generate_latest(registry)
    return generate_latest(registry)


def create_app() -> Flask:
    """The application, with /metrics."""
    app = app_new.create_app()

    @app.after_request
    def count(response: Response) -> Response:
        if request.path != "/metrics":
            requests.inc()
        return response

    @app.route("/metrics")
    def metrics() -> Any:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        prometheus.register(registry, of="siblings")
        return Response(written(registry), mimetype=CONTENT_TYPE_LATEST)

    return app
