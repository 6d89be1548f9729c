"""Traces with OpenTelemetry: a span for each request, and for each step in it.

Only where the extra ``otel`` is installed and ``OTEL_EXPORTER_OTLP_ENDPOINT`` says where to send
them; the library's other variables hold, too. Names are those of its semantic conventions:
https://opentelemetry.io/docs/specs/semconv/http/http-spans/
"""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mitame import __version__
from mitame.serving.seeing.observing import REQUEST_ID, ROUTE

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_PASSED_ON = frozenset({b"traceparent", b"tracestate"})


class Tracing:
    """Makes spans. Safe from several threads.

    Args:
        provider: of OpenTelemetry; closed with this.
    """

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._tracer = provider.get_tracer("mitame", __version__)
        self._propagator = TraceContextTextMapPropagator()

    def step(self, name: str) -> AbstractContextManager[Any]:
        """A span for a with block, within the one that is under way on this thread."""
        return self._tracer.start_as_current_span(name)

    def request(self, scope: Scope) -> AbstractContextManager[Any]:
        """A span for a request, within the caller's where it has sent one."""
        from opentelemetry.trace import SpanKind

        carrier = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
            if name in _PASSED_ON
        }
        return self._tracer.start_as_current_span(
            scope["method"],
            context=self._propagator.extract(carrier),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": scope["method"]},
        )

    def close(self) -> None:
        """Send what waits and end."""
        self._provider.shutdown()


class TracedRequests:
    """The layer that gives each request its span.

    Args:
        inner: what is asked next.
        tracing: makes the spans.
    """

    def __init__(self, inner: ASGIApp, tracing: Tracing) -> None:
        self._inner = inner
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and note what was answered."""
        with self._tracing.request(scope) as span:

            async def seen(message: Message) -> None:
                if message["type"] == "http.response.start":
                    status = message["status"]
                    span.set_attribute("http.response.status_code", status)
                    if status >= 500:
                        _fail(span)
                await send(message)

            try:
                await self._inner(scope, receive, seen)
            finally:
                route = scope.get(ROUTE, "")
                span.update_name(f"{scope['method']} {route}".rstrip())
                span.set_attribute("http.route", route)
                span.set_attribute(REQUEST_ID, scope.get(REQUEST_ID, ""))


def tracing_of_environment() -> Tracing | None:
    """What the environment asks for; None where it asks for nothing, or it is not installed."""
    if not os.environ.get(ENDPOINT):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        sys.stderr.write(f"{ENDPOINT} is set, but traces need: pip install 'mitame[otel]'\n")
        return None
    name = os.environ.get("OTEL_SERVICE_NAME", "mitame")
    resource = Resource.create({"service.name": name, "service.version": __version__})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)


def _fail(span: Any) -> None:
    from opentelemetry.trace import StatusCode

    span.set_status(StatusCode.ERROR)
