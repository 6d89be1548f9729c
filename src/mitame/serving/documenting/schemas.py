"""JSON schemas of the bodies' types, with what their docstrings say of each field."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any, TypeAlias

import msgspec

Schema: TypeAlias = dict[str, Any]
REFERENCE = "#/components/schemas/{name}"
_FIELD = re.compile(r"^(\w+(?:, \w+)*): (.*)$")


class Schemas:
    """The schemas of types that refer to each other.

    Args:
        types: all that the document speaks of; bytes and None have no schema.
    """

    def __init__(self, types: Iterable[Any]) -> None:
        kinds: list[Any] = []
        for kind in types:  # lists of types can't be hashed, so no set
            if kind not in (None, bytes) and kind not in kinds:
                kinds.append(kind)
        found, self.components = msgspec.json.schema_components(kinds, ref_template=REFERENCE)
        self._kinds = list(zip(kinds, found, strict=True))
        for kind, schema in self._kinds:
            if inspect.isclass(kind) and issubclass(kind, msgspec.Struct):
                _describe(kind, self.components[_name(schema)])
        self._describe_inner()

    def of(self, kind: Any) -> Schema:
        """The schema of one of the types: a reference, for a struct."""
        return next(dict(schema) for known, schema in self._kinds if known is kind or known == kind)

    def fields(self, kind: type[msgspec.Struct]) -> tuple[dict[str, Schema], list[str]]:
        """A struct's fields by their names on the wire, and which are needed."""
        whole = self.components[_name(self.of(kind))]
        return whole["properties"], whole.get("required", [])

    def _describe_inner(self) -> None:
        """The structs that only others speak of: their docstrings are known by their text."""
        for schema in self.components.values():
            text = schema.get("description")
            if text and "Attributes:" in text:
                _apply(schema, inspect.cleandoc(text), {})


def _name(schema: Schema) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _describe(kind: type[msgspec.Struct], schema: Schema) -> None:
    """Put a docstring's lines to their fields; those of the bases, too."""
    names = {each.name: each.encode_name for each in msgspec.structs.fields(kind)}
    for base in reversed(kind.__mro__[:-2]):
        _apply(schema, inspect.cleandoc(base.__doc__ or ""), names)
    schema["description"] = _summary(inspect.cleandoc(kind.__doc__ or ""))


def _apply(schema: Schema, doc: str, names: dict[str, str]) -> None:
    for name, text in field_lines(doc).items():
        field = schema.get("properties", {}).get(names.get(name, name))
        if field is not None and "$ref" not in field:
            field["description"] = text
    schema["description"] = _summary(doc)


def _summary(doc: str) -> str:
    return doc.partition("\n\nAttributes:")[0].replace("``", "`").strip()


def field_lines(doc: str) -> dict[str, str]:
    """What the section Attributes of a docstring says of each field.

    Args:
        doc: the docstring without its indentation.
    """
    found: dict[str, str] = {}
    names: list[str] = []
    for line in doc.partition("Attributes:\n")[2].splitlines():
        match = _FIELD.match(line.removeprefix("    "))
        if match and line.startswith("    ") and not line.startswith("     "):
            names = match[1].split(", ")
            found |= dict.fromkeys(names, match[2])
        elif line.startswith("        ") and names:
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
        else:
            names = []
    return {name: text.replace("``", "`") for name, text in found.items()}
