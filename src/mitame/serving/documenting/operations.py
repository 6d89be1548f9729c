"""Operations of the document, each made from its route."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, get_origin

from mitame.serving.callers.roles import Role
from mitame.serving.documenting.problems import answer, problems
from mitame.serving.documenting.schemas import Schema, Schemas
from mitame.serving.pictures.forms import MULTIPART
from mitame.serving.routes import JSON, Route

_PLACE = re.compile(r"\{(\w+)\}")
_PLAIN_TEXT = r"^[^\u0000-\u001f\u007f-\u009f]*$"
PLACES: dict[str, Schema] = {
    "collection": {"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,99}$"},
    "id": {"type": "string", "minLength": 1, "maxLength": 1_000, "pattern": _PLAIN_TEXT},
    "generation": {"type": "integer", "minimum": 0, "maximum": 999_999_999},
    "key": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
}
"""What may stand in a path's places; anything in those that are not here."""
_TELLS_ETAG = frozenset({"If-Match", "If-None-Match"})


def types_of(route: Route) -> Iterator[Any]:
    """All types that a route speaks of."""
    yield from (route.body, route.query, route.answer, *route.others.values())
    yield from (part for part in route.form.values() if not _is_file(part))


def operation_id(route: Route) -> str:
    """The operation's name: the method, and what the path says of its last things.

    Such as ``put_item`` for ``PUT /v1/collections/{collection}/items/{id}``.
    """
    path = route.path.removeprefix("/v1").removesuffix(".json").replace("-", "_")
    parts = re.split(r"[/:]", path)
    words: list[str] = []
    for part, following in zip(parts, [*parts[1:], ""], strict=True):
        if part and not part.startswith("{"):
            words.append(part.removesuffix("s") if following.startswith("{") else part)
        elif part and following.startswith("{"):  # a place in a place: it has no word of its own
            words.append(following.strip("{}"))
    if not words:
        words = ["start"]
    if words[0] in ("collection", "database") and len(words) > 1:
        words = words[1:]
    return "_".join([route.method.lower(), *words])


def operation(route: Route, schemas: Schemas) -> Schema:
    """The document's words for a route."""
    described: Schema = {
        "operationId": operation_id(route),
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": [*_places(route), *_fields(route, schemas), *_headers(route)],
        "responses": _answers(route, schemas),
    }
    if route.role == Role.OPEN:
        described["security"] = []
    else:
        described["description"] = f"Needs a key with the role `{route.role.word}`."
        described["x-role"] = route.role.word
    if route.body is not None:
        described["requestBody"] = _body(route, schemas)
    return described


def _places(route: Route) -> Iterator[Schema]:
    for name in _PLACE.findall(route.path):
        schema = PLACES.get(name, {"type": "string"})
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _fields(route: Route, schemas: Schemas) -> Iterator[Schema]:
    if route.query is None:
        return
    fields, needed = schemas.fields(route.query)
    for name, schema in fields.items():
        field: Schema = {"name": name, "in": "query", "schema": _as_text(schema)}
        field["schema"].pop("description", None)
        if "description" in schema:
            field["description"] = schema["description"]
        if name in needed:
            field["required"] = True
        yield field


def _as_text(schema: Schema) -> Schema:
    """The schema without null, which a query string can't say."""
    found = {k: v for k, v in schema.items() if not (k == "default" and v is None)}
    kinds: list[Schema] = [each for each in found.pop("anyOf", []) if each.get("type") != "null"]
    if len(kinds) == 1:
        return found | kinds[0]
    return found | ({"anyOf": kinds} if kinds else {})


def _headers(route: Route) -> Iterator[Schema]:
    for name in route.headers:
        yield {"$ref": f"#/components/parameters/{name}"}


def _body(route: Route, schemas: Schemas) -> Schema:
    content: dict[str, Schema] = {}
    for media in route.media:
        if media == JSON:
            content[media] = {"schema": schemas.of(route.body)}
        elif media == MULTIPART:
            content[media] = _form(route, schemas)
        elif media.endswith("ndjson"):
            content[media] = {"schema": {"type": "string", "description": "A JSON object a line."}}
        else:
            content[media] = {"schema": {"description": "The bytes alone."}}
    return {"required": route.needs_body, "content": content}


def _form(route: Route, schemas: Schemas) -> Schema:
    fields, encoding = {}, {}
    for name, part in route.form.items():
        if _is_file(part):
            file: Schema = {"description": "A picture's file.", "contentMediaType": "image/*"}
            is_one = part is bytes
            fields[name] = file if is_one else {"type": "array", "items": file, "minItems": 1}
        else:
            fields[name] = schemas.of(part)
            encoding[name] = {"contentType": JSON}
    files = [name for name, part in route.form.items() if _is_file(part)]
    schema = {
        "type": "object",
        "properties": fields,
        "required": files,
        "additionalProperties": False,
    }
    return {"schema": schema, "encoding": encoding}


def _is_file(part: object) -> bool:
    return part is bytes or (get_origin(part) is list and part == list[bytes])


def _answers(route: Route, schemas: Schemas) -> Schema:
    answers = {str(route.status): _success(route, schemas)}
    if route.fails is not None:
        return answers | {"4XX": {"description": "In gannoy's own form."}}
    for status, kinds in problems(route).items():
        answers[str(status)] = answer(status, kinds)
    for status, kind in route.others.items():
        found = answers.setdefault(str(status), {"description": HTTPStatus(status).phrase})
        if kind is not None:
            found.setdefault("content", {})[JSON] = {"schema": schemas.of(kind)}
    return answers


def _success(route: Route, schemas: Schemas) -> Schema:
    found: Schema = {"description": HTTPStatus(route.status).phrase}
    if route.answer is not None:
        found["content"] = {media: _content(route, media, schemas) for media in route.produces}
    if _TELLS_ETAG & set(route.headers) and route.answer is not None:
        found["headers"] = {"ETag": {"$ref": "#/components/headers/ETag"}}
    return found


def _content(route: Route, media: str, schemas: Schemas) -> Schema:
    if route.answer is bytes or media != JSON:
        return {"schema": {"type": "string"}} if media.startswith("text/") else {}
    return {"schema": schemas.of(route.answer)}
