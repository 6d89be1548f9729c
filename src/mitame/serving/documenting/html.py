"""The document as a page: no script, no style and no picture from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font-family: ui-monospace, monospace; font-size: .9em }
pre { background: var(--soft); padding: .7rem; overflow: auto; border-radius: 4px }
details { border: 1px solid var(--line); border-radius: 4px; margin: .4rem 0; padding: .4rem .8rem }
summary { cursor: pointer }
b.method { display: inline-block; min-width: 4.5rem }
table { border-collapse: collapse; width: 100% }
td, th { border-bottom: 1px solid var(--line); padding: .3rem .5rem .3rem 0; text-align: left;
  vertical-align: top; overflow-wrap: anywhere }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""For the header Content-Security-Policy."""


def html(document: dict[str, Any]) -> str:
    """The page of an OpenAPI document that was made here."""
    info = document["info"]
    title = f"{info['title']} {info['version']}"
    return "".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
            f"<h1>{escape(title)}</h1><p>{_text(info['description'])}</p>",
            '<p>The same for programs: <a href="openapi.json">openapi.json</a> (OpenAPI 3.1). '
            "A key goes into <code>Authorization: Bearer KEY</code> or <code>api-key</code>.</p>",
            *_chapters(document),
            "<h2>Types</h2>",
            *(_type(name, each) for name, each in document["components"]["schemas"].items()),
            "</body></html>",
        ]
    )


def _chapters(document: dict[str, Any]) -> Iterator[str]:
    for tag in document["tags"]:
        yield f"<h2>{escape(tag['name'])}</h2><p>{_text(tag['description'])}</p>"
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if tag["name"] in operation["tags"]:
                    yield _operation(document, method, path, operation)


def _operation(document: dict[str, Any], method: str, path: str, told: dict[str, Any]) -> str:
    name = told["operationId"]
    parts = [
        f'<details id="{escape(name)}"><summary><b class="method">{method.upper()}</b> '
        f"<code>{escape(path)}</code> {escape(told['summary'])}</summary>",
        f"<p>{_text(told.get('description', 'Needs no key.'))}</p>",
    ]
    if told["parameters"]:
        parts.append(_parameters(document, told["parameters"]))
    if "requestBody" in told:
        parts.append(f"<h4>Body</h4>{_content(told['requestBody']['content'])}")
    parts += ["<h4>Answers</h4>", _answers(told["responses"]), "</details>"]
    return "".join(parts)


def _parameters(document: dict[str, Any], parameters: list[dict[str, Any]]) -> str:
    known = document["components"]["parameters"]
    told = [known[_last(each["$ref"])] if "$ref" in each else each for each in parameters]
    rows = [
        (
            f"<code>{escape(each['name'])}</code>",
            escape(each["in"]),
            _schema(each["schema"]),
            _text(each.get("description", "")),
        )
        for each in told
    ]
    return f"<h4>Parameters</h4>{_table(rows)}"


def _answers(responses: dict[str, Any]) -> str:
    return _table(
        [
            (f"<b>{escape(status)}</b>", _lines(each["description"]), _content(each.get("content")))
            for status, each in responses.items()
        ]
    )


def _content(content: dict[str, Any] | None) -> str:
    told = (
        f"<code>{escape(media)}</code> {_schema(each.get('schema', {}))}"
        for media, each in (content or {}).items()
    )
    return "<br>".join(told)


def _type(name: str, schema: dict[str, Any]) -> str:
    needed = schema.get("required", [])
    rows = [
        (
            f"<code>{escape(field)}</code>{' (needed)' if field in needed else ''}",
            _schema(each),
            _text(each.get("description", "")),
        )
        for field, each in schema.get("properties", {}).items()
    ]
    return (
        f'<details id="type-{escape(name)}"><summary><code>{escape(name)}</code></summary>'
        f"<p>{_text(schema.get('description', ''))}</p>{_table(rows)}</details>"
    )


def _schema(schema: dict[str, Any]) -> str:
    """A type in few words: its name with a link, or what it is made of."""
    if "$ref" in schema:
        name = escape(_last(schema["$ref"]))
        return f'<a href="#type-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_schema(each) for each in schema["anyOf"]) + _default(schema)
    if schema.get("type") == "array":
        kinds = schema.get("prefixItems") or [schema.get("items", {})]
        return f"list of {', '.join(map(_schema, kinds))}{_default(schema)}"
    if "enum" in schema:
        return ", ".join(escape(json.dumps(each)) for each in schema["enum"]) + _default(schema)
    if schema.get("type") == "object" and "properties" in schema:
        parts = (f"{escape(k)}: {_schema(v)}" for k, v in schema["properties"].items())
        return f"parts {', '.join(parts)}"
    bounds = [
        f"{word} {schema[key]}"
        for key, word in (("minimum", "from"), ("maximum", "to"), ("exclusiveMinimum", "above"))
        if key in schema
    ]
    kind = schema.get("type", "bytes" if "contentMediaType" in schema else "")
    return escape(" ".join([str(kind), *bounds])) + _default(schema)


def _default(schema: dict[str, Any]) -> str:
    has = schema.get("default") is not None
    return f" = {escape(json.dumps(schema['default']))}" if has else ""


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    lines = ("".join(f"<td>{cell}</td>" for cell in row) for row in rows)
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>" if rows else ""


def _lines(text: str) -> str:
    return "<br>".join(_text(line) for line in text.splitlines() if line)


def _text(text: str) -> str:
    """Words with code between backticks."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(text))


def _last(reference: str) -> str:
    return reference.rpartition("/")[2]
