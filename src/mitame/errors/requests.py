"""Requests over HTTP that can't be answered as they are."""

from __future__ import annotations

from mitame.errors.base import MitameError


class RequestError(MitameError):
    """An HTTP request that can't be answered as it is."""

    code = "request"


class MalformedRequest(RequestError):
    """Bytes that are no HTTP/1.1 request, or an ambiguous one."""

    code = "malformed_request"
    default_remedy = "send one that RFC 9112 allows"


class HeadersTooLarge(RequestError):
    """More bytes of headers, or more headers, than the limits allow."""

    code = "headers_too_large"
    status = 431
    default_remedy = "send fewer or shorter headers"


class PathTooLong(RequestError):
    """A path and query string longer than the limits allow."""

    code = "path_too_long"
    status = 414
    default_remedy = "send a query as a POST with a body"


class MalformedBody(RequestError):
    """A body that can't be read at all."""

    code = "malformed_body"
    default_remedy = "send what the content type says"


class InvalidBody(RequestError):
    """A body that can be read, with fields that are wrong."""

    code = "invalid_body"
    status = 422
    default_remedy = "see /docs for the fields"


class UnsupportedMedia(RequestError):
    """A content type that this route does not read."""

    code = "unsupported_media"
    status = 415


class BodyTooLarge(RequestError):
    """More bytes or rows than the limits allow."""

    code = "body_too_large"
    status = 413
    default_remedy = "send less at once, or raise the limit in the server's configuration"


class SlowRequest(RequestError):
    """The body did not come in time."""

    code = "slow_request"
    status = 408
    default_remedy = "send it again"


class NotAuthenticated(RequestError):
    """No key, or a wrong one."""

    code = "not_authenticated"
    status = 401
    default_remedy = "send a key: Authorization: Bearer KEY"


class NotAllowed(RequestError):
    """The key's role or scope does not reach."""

    code = "not_allowed"
    status = 403
    default_remedy = "use a key with the role that the route asks for"


class PreconditionFailed(RequestError):
    """Somebody else has changed the item meanwhile."""

    code = "precondition_failed"
    status = 412
    default_remedy = "read the item again, then send If-Match with its new ETag"


class KeyReused(RequestError):
    """An Idempotency-Key that came with another request before."""

    code = "key_reused"
    status = 422
    default_remedy = "use a new Idempotency-Key for a new request"


class RequestInFlight(RequestError):
    """The first request with the same Idempotency-Key is not answered yet.

    Attributes:
        seconds: after which it may be.
    """

    seconds: float = 1
    code = "request_in_flight"
    status = 409
    default_remedy = "wait as long as Retry-After says, then send it again"


class RouteNotFound(RequestError):
    """Nothing is served at this address."""

    code = "route_not_found"
    status = 404
    default_remedy = "see /docs for what there is; write / in an id as %2F"


class JobNotFound(RequestError):
    """No job has this id."""

    code = "job_not_found"
    status = 404
    default_remedy = "finished jobs are forgotten after a week"


class MethodNotAllowed(RequestError):
    """The address is served, but not with this method."""

    code = "method_not_allowed"
    status = 405


class TooManyRequests(RequestError):
    """One caller asks more than its share.

    Attributes:
        seconds: after which it may try again.
    """

    seconds: float = 1
    code = "too_many_requests"
    status = 429
    default_remedy = "wait as long as Retry-After says"


class Overloaded(RequestError):
    """All callers together ask more than can be answered.

    Attributes:
        seconds: after which a try may be worth it.
    """

    seconds: float = 1
    code = "overloaded"
    status = 503
    default_remedy = "wait as long as Retry-After says, then send it again"
