"""Traces of a real server, as a collector of OpenTelemetry's own protocol receives them."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mitame
from tests.serving.running_server import Server

pytest.importorskip("opentelemetry.sdk", reason="the extra 'otel' is not installed")
TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"


class Collector:
    """Listens for spans as OTLP over HTTP."""

    def __init__(self) -> None:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
            ExportTraceServiceRequest,
        )

        self.spans: list[Any] = []
        self.services: set[str] = set()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(handler) -> None:  # noqa: N805 - self is the collector's
                data = handler.rfile.read(int(handler.headers["Content-Length"]))
                if handler.headers.get("Content-Encoding") == "gzip":
                    data = gzip.decompress(data)
                request = ExportTraceServiceRequest.FromString(data)
                for resource in request.resource_spans:
                    for each in resource.resource.attributes:
                        if each.key == "service.name":
                            self.services.add(each.value.string_value)
                    for scope in resource.scope_spans:
                        self.spans += scope.spans
                handler.send_response(200)
                handler.send_header("Content-Length", "0")
                handler.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Nothing is to be printed."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector()
    yield found
    found.close()


def test_requests_and_their_steps(tmp_path: Path, collector: Collector) -> None:
    """A request is a span in its caller's trace; its steps, on other threads too, are within it."""
    random = np.random.default_rng(1)
    with mitame.open(tmp_path, "shop", lenses={"vectors": "vectors:8"}) as items:
        items.add("a", vector=random.normal(size=8).astype(np.float32))
    with Server(tmp_path, env={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}) as server:
        asked = {"traceparent": f"00-{TRACE}-{SPAN}-01", "X-Request-Id": "the-request-1"}
        query = {"vector": [1.0] * 8, "limit": 1}
        answer = server.ask("POST", "/v1/collections/shop/query", query, asked)
        assert answer.status == 200, answer.body
        assert server.ask("GET", "/v1/collections/none").status == 404
        server.stop()
    by_name = {span.name: span for span in collector.spans}
    request = by_name["POST /v1/collections/{collection}/query"]
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, SPAN)
    about = {each.key: each.value for each in request.attributes}
    assert about["http.response.status_code"].int_value == 200
    assert about["mitame.request_id"].string_value == "the-request-1"
    for step in ("engine", "hydrate"):
        assert by_name[step].trace_id == request.trace_id, step
        assert by_name[step].parent_span_id == request.span_id, step
    missing = by_name["GET /v1/collections/{collection}"]
    assert missing.trace_id != request.trace_id
    assert collector.services == {"mitame"}
    assert "none" not in str(missing), "no path, no id"


def test_nothing_is_sent_unless_it_is_asked_for(tmp_path: Path, collector: Collector) -> None:
    """Without the variable there are no spans, whatever is installed."""
    with Server(tmp_path, env={"OTEL_EXPORTER_OTLP_ENDPOINT": ""}) as server:
        assert server.ask("GET", "/v1/collections").status == 200
        server.stop()
    assert collector.spans == []
