"""A gannoy client: what its users' programs sent, over a plain HTTP client."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tests.serving.running_server import Answered, Server

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Client:
    """One database of a running server."""

    server: Server
    database: str

    def put(self, key: object, features: Sequence[float]) -> Answered:
        """Add or replace."""
        return self.raw("PUT", f"/features/{key}", json.dumps({"features": list(features)}))

    def post(self, body: object) -> Answered:
        """Create."""
        return self.raw("POST", "/features", json.dumps(body))

    def delete(self, key: object) -> Answered:
        """Remove."""
        return self.server.ask("DELETE", f"/databases/{self.database}/features/{key}")

    def search(self, fields: str) -> Answered:
        """The fields as they stand in a query string."""
        return self.server.ask("GET", f"/search?database={self.database}&{fields}")

    def keys(self, key: object, limit: int = -1) -> list[int]:
        """What a search finds; it must find something."""
        answer = self.search(f"key={key}&limit={limit}")
        assert answer.status == 200, answer.body
        found: list[int] = answer.json()
        return found

    def raw(self, method: str, path: str, body: str) -> Answered:
        """A body of JSON as it stands."""
        return self.server.ask(method, f"/databases/{self.database}{path}", body.encode(), JSON)

    def save(self) -> Answered:
        """Apply what is pending."""
        return self.server.ask("PUT", f"/savepoints/{self.database}")

    def generation(self) -> int:
        """Of the snapshot that answers."""
        answer = self.server.ask("GET", f"/v1/collections/{self.database}")
        assert answer.status == 200, (answer.status, answer.body)
        found: int = answer.json()["generation"]
        return found


def create(server: Server, database: str, dim: int = 2, distance: str = "cosine") -> Client:
    """A new database."""
    body = {"dim": dim, "distance": distance}
    answer = server.ask("PUT", f"/v1/collections/{database}", body)
    assert answer.status == 201, answer.body
    return Client(server, database)


def is_nothing(answer: Answered, status: int) -> bool:
    """Whether an answer has this status, no body and no content type."""
    return (answer.status, answer.body) == (status, b"") and "content-type" not in answer.headers


def message(answer: Answered, status: int) -> str:
    """The message of an error in gannoy's form."""
    assert answer.status == status, (answer.status, answer.body)
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    body = answer.json()
    assert list(body) == ["message"]
    text: str = body["message"]
    return text
