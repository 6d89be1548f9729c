"""From a request to its route's handler, and from whatever goes wrong there to a problem."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as Entry
from starlette.routing import Router
from starlette.types import Receive, Scope, Send

from mitame.errors import MalformedBody, MethodNotAllowed, MitameError, RouteNotFound
from mitame.serving.callers.gate import CALLER
from mitame.serving.callers.roles import NOBODY
from mitame.serving.replies import problem
from mitame.serving.routes import Call, Fails, Route, decoded_params
from mitame.serving.seeing.observing import REQUEST_ID
from mitame.serving.service import Service

_OWN = "/v1/"
"""What begins so is answered in the service's own form, whatever else it serves."""


class Dispatch:
    """The router.

    It matches the path as it was sent, with its percent signs: so an id may hold ``/`` as ``%2F``,
    and an item called ``a/similar`` is not mistaken for a question about ``a``.

    Args:
        service: what all requests share.
        routes: all that is served.
    """

    def __init__(self, service: Service, routes: Sequence[Route]) -> None:
        self._service = service
        self._lost = next((route.fails for route in routes if route.fails), None)
        by_path: dict[str, dict[str, Route]] = {}
        for route in routes:
            by_path.setdefault(route.path, {})[route.method] = route
        self._router = Router(
            [Entry(path, _Endpoint(self, found)) for path, found in by_path.items()],
            redirect_slashes=False,
            default=_nothing,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        raw = scope.get("raw_path") or scope["path"].encode()
        path = raw.partition(b"?")[0].decode("latin-1")
        scope["mitame.path"], scope["path"] = scope["path"], path
        try:
            await self._router(scope, receive, send)
        except MitameError as error:
            lost = isinstance(error, RouteNotFound) and not path.startswith(_OWN)
            fails = self._lost if lost else None
            await _failed(fails, Request(scope), error)(scope, receive, send)

    async def answer(self, routes: dict[str, Route], request: Request) -> Response:
        """What the route for the request's method says.

        Raises:
            MitameError: whatever is wrong with it.
        """
        method = "GET" if request.method == "HEAD" and "HEAD" not in routes else request.method
        route = routes.get(method)
        if route is None:
            allowed = ", ".join(sorted(routes))
            raise MethodNotAllowed(f"{request.method[:20]} is not served here", remedy=allowed)
        params = decoded_params(request.path_params)
        caller = request.scope.get(CALLER, NOBODY)
        request.scope["mitame.route"] = route.path
        caller.check(route.role, params.get("collection"))
        return await route.handler(Call(request, self._service, route, caller, params))


class _Endpoint:
    """What Starlette calls where a path has matched, whatever the method is."""

    def __init__(self, dispatch: Dispatch, routes: dict[str, Route]) -> None:
        self._dispatch = dispatch
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._dispatch.answer(self._routes, request)
        except MitameError as error:
            response = self._failed(request, error)
        except HTTPException as error:
            response = self._failed(request, _translated(error))
        await response(scope, receive, send)

    def _failed(self, request: Request, error: MitameError) -> Response:
        route = self._routes.get(request.method, next(iter(self._routes.values())))
        response = _failed(route.fails, request, error)
        if isinstance(error, MethodNotAllowed):
            response.headers["Allow"] = error.remedy
        return response


def _failed(fails: Fails | None, request: Request, error: MitameError) -> Response:
    if fails is not None:
        return fails(request, error)
    return problem(error, request.scope.get(REQUEST_ID))


async def _nothing(scope: Scope, _receive: Receive, _send: Send) -> None:
    raise RouteNotFound(f"nothing is served at {scope['path'][:200]}")


def _translated(error: HTTPException) -> MitameError:
    return MalformedBody(f"the body can't be read: {error.detail}"[:300])
