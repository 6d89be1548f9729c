"""gannoy's contract, line by line, against a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.gannoy.client import JSON, Client, create, is_nothing, message
from tests.serving.running_server import Server

_numbers = count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("contract"), "--gannoy") as running:
        yield running


@pytest.fixture
def database(server: Server) -> Client:
    """A database of two dimensions, empty."""
    return create(server, f"db{next(_numbers)}")


@pytest.fixture
def filled(database: Client) -> Client:
    """Keys 1 to 12 at growing angles from key 1."""
    for key in range(1, 13):
        assert is_nothing(database.put(key, [12, key - 1]), 200)
    return database


@pytest.fixture(scope="module")
def twelve(server: Server) -> Client:
    """As `filled`, once for all who only read."""
    made = create(server, "twelve")
    for key in range(1, 13):
        assert is_nothing(made.put(key, [12, key - 1]), 200)
    return made


# Transport


def test_json_is_compact_with_its_charset(twelve: Client) -> None:
    """No spaces, no newline, and the content type letter by letter."""
    answer = twelve.search("key=1&limit=3")
    assert answer.body == b"[1,2,3]"
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"


@pytest.mark.parametrize("field", ["pretty", "pretty=", "pretty=true"])
def test_pretty_indents_by_two(twelve: Client, field: str) -> None:
    """As soon as the field is there, whatever it says."""
    assert twelve.search(f"key=1&limit=2&{field}").body == b"[\n  1,\n  2\n]"


def test_pretty_error(server: Server) -> None:
    """Messages, too."""
    assert server.ask("GET", "/none?pretty").body == b'{\n  "message": "Not Found"\n}'


@pytest.mark.parametrize("path", ["/none", "/databases/", "/search/x", "/databases/x/y"])
def test_unknown_route(server: Server, path: str) -> None:
    """404 with gannoy's message; but at ``/`` is mitame's page."""
    answer = server.ask("GET", path)
    assert (answer.status, answer.body) == (404, b'{"message":"Not Found"}')
    assert message(answer, 404) == "Not Found"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/health"),
        ("DELETE", "/databases"),
        ("PUT", "/search"),
        ("GET", "/databases/x/features/1"),
        ("PATCH", "/databases/x/features/1"),
        ("PUT", "/databases/x/features"),
        ("GET", "/savepoints"),
        ("DELETE", "/savepoints/x"),
    ],
)
def test_wrong_verb(server: Server, method: str, path: str) -> None:
    """405 with gannoy's message, before anything else is looked at."""
    answer = server.ask(method, path)
    assert answer.body == b'{"message":"Method Not Allowed"}'
    assert message(answer, 405) == "Method Not Allowed"
    assert answer.headers["allow"]


def test_v1_keeps_its_own_errors(server: Server) -> None:
    """Beside gannoy's routes, v1 answers problems."""
    answer = server.ask("GET", "/v1/none")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "route_not_found"


@pytest.mark.parametrize("key", [0, -1, -17, 2**63 - 1, -(2**63)])
def test_keys_are_64_bit_integers(database: Client, key: int) -> None:
    """The outermost ones can be put and found, negative ones, too."""
    assert is_nothing(database.put(key, [1, 0]), 200)
    assert database.keys(key) == [key]


@pytest.mark.parametrize(("written", "key"), [("007", 7), ("+5", 5), ("-03", -3), ("%31", 1)])
def test_spellings_of_a_key(database: Client, written: str, key: int) -> None:
    """Signs and zeros in front are read as gannoy did: they are one key."""
    assert is_nothing(database.put(written, [1, 0]), 200)
    assert database.keys(key) == [key]
    assert database.keys(written.replace("+", "%2B")) == [key]


# GET /health, GET /databases


def test_health(server: Server) -> None:
    """200 with nothing."""
    assert is_nothing(server.ask("GET", "/health"), 200)


def test_databases(server: Server) -> None:
    """Sorted names; a collection of pictures is no database."""
    create(server, "zz")
    create(server, "aa")
    assert server.ask("PUT", "/v1/collections/photos", {"lenses": {"c": "color"}}).status == 201
    names = server.ask("GET", "/databases").json()
    assert {"aa", "zz"} <= set(names)
    assert names == sorted(names)
    assert "photos" not in names
    assert server.ask("GET", "/databases").headers["content-type"] == JSON["Content-Type"] + (
        "; charset=UTF-8"
    )


def test_a_collection_of_pictures_takes_no_features(server: Server) -> None:
    """It is an unknown database to all routes."""
    server.ask("PUT", "/v1/collections/pictures", {"lenses": {"c": "color"}})
    pictures = Client(server, "pictures")
    assert is_nothing(pictures.put(1, [1, 0]), 422)
    assert is_nothing(pictures.search("key=1"), 404)
    assert is_nothing(pictures.save(), 422)


# GET /search


def test_search_is_nearest_first_with_its_own_key(twelve: Client) -> None:
    """The key itself, then by angle."""
    assert twelve.keys(1) == list(range(1, 13))
    assert twelve.keys(12)[0] == 12
    assert twelve.keys(6, 3) == [6, 7, 5]  # by angle, a later one is a little nearer


@pytest.mark.parametrize("fields", ["id=3", "id=3&key=", "key=3&id=9", "key=3&key=9"])
def test_id_is_another_name_of_key(twelve: Client, fields: str) -> None:
    """`key` is looked at first, and of two the first."""
    assert twelve.search(f"{fields}&limit=1").json() == [3]


@pytest.mark.parametrize("limit", ["", "&limit=", "&limit=x", "&limit=1.5", "&limit=1e3"])
def test_limit_that_is_no_integer_is_ten(twelve: Client, limit: str) -> None:
    """Missing, or anything else."""
    assert twelve.search(f"key=1{limit}").json() == list(range(1, 11))


@pytest.mark.parametrize(("limit", "found"), [(1, 1), (2, 2), (12, 12), (13, 12), (10**12, 12)])
def test_limit(twelve: Client, limit: int, found: int) -> None:
    """So many, and above the number of items all of them."""
    assert twelve.keys(1, limit) == list(range(1, found + 1))


@pytest.mark.parametrize("limit", [-1, -2, -(2**63)])
def test_limit_below_zero_is_all(twelve: Client, limit: int) -> None:
    """gannoy crashed here."""
    assert twelve.keys(1, limit) == list(range(1, 13))


@pytest.mark.parametrize("fields", ["", "key=", "key=x", "key=1.0", f"key={2**63}"])
def test_a_key_that_is_no_integer_is_minus_one(filled: Client, fields: str) -> None:
    """Not found, until there is an item -1."""
    assert is_nothing(filled.search(fields), 404)
    filled.put(-1, [1, 0])
    assert filled.search(f"{fields}&limit=1").json() == [-1]


def test_nothing_found(server: Server, twelve: Client) -> None:
    """404 with nothing: unknown database, unknown key, limit 0, empty database."""
    assert is_nothing(server.ask("GET", "/search?database=none&key=1"), 404)
    assert is_nothing(server.ask("GET", "/search?database=..%2Fetc&key=1"), 404)
    assert is_nothing(server.ask("GET", "/search?key=1"), 404)
    assert is_nothing(server.ask("GET", "/search"), 404)
    assert is_nothing(twelve.search("key=99"), 404)
    assert is_nothing(twelve.search("key=1&limit=0"), 404)
    empty = create(server, f"db{next(_numbers)}")
    assert is_nothing(empty.search("key=1"), 404)


# PUT /databases/D/features/K


def test_put_is_searchable_at_once(database: Client) -> None:
    """What was put last is in the very next answer."""
    for key in range(20):
        assert is_nothing(database.put(key, [1, key]), 200)
        assert key in database.keys(0)


def test_put_replaces(database: Client) -> None:
    """An item put again is where it is now, once."""
    database.put(1, [1, 0])
    database.put(2, [1, 0.1])
    database.put(3, [0, 1])
    assert database.keys(1) == [1, 2, 3]
    assert is_nothing(database.put(2, [0, 1]), 200)
    assert database.keys(3, 2) == [3, 2]
    assert sorted(database.keys(1)) == [1, 2, 3]


_UNPROCESSABLE = [
    '{"features":[1]}',
    '{"features":[1,2,3]}',
    '{"features":[]}',
    '{"features":null}',
    "{}",
    "null",
    '{"feature":[1,2]}',
]


@pytest.mark.parametrize("body", _UNPROCESSABLE)
def test_put_of_other_features(database: Client, body: str) -> None:
    """422 with nothing: wrong dimension, features empty or missing; the old item stays."""
    database.put(1, [1, 0])
    database.put(2, [0, 1])
    assert is_nothing(database.raw("PUT", "/features/1", body), 422)
    assert is_nothing(database.raw("PUT", "/features/9", body), 422)
    assert database.keys(1) == [1, 2]


@pytest.mark.parametrize("key", ["x", "1.0", "", "%20", "1%2F2", str(2**63), "9" * 5_000, "%ff"])
def test_put_of_no_integer(database: Client, key: str) -> None:
    """422 with nothing, before the body is looked at; no key at all is another route."""
    answer = database.raw("PUT", f"/features/{key}", "{b")
    assert is_nothing(answer, 422) if key else answer.status in (404, 405)


def test_put_to_an_unknown_database(server: Server) -> None:
    """422 with nothing, before the body is looked at."""
    unknown = Client(server, "none")
    assert is_nothing(unknown.put(1, [1, 2]), 422)
    assert is_nothing(unknown.raw("PUT", "/features/1", "{b"), 422)
    assert is_nothing(unknown.raw("POST", "/features", ""), 422)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"features":["a"]}', "Unmarshal type error: expected=float64, got=string, offset=16"),
        ('{"features":[1, true]}', "Unmarshal type error: expected=float64, got=bool, offset=20"),
        ('{"features":[[1]]}', "Unmarshal type error: expected=float64, got=array, offset=16"),
        ('{"features":[null,1]}', "Unmarshal type error: expected=float64, got=null, offset=17"),
        ('{"features":[1e999,1]}', "Unmarshal type error: expected=float64, got=number"),
        ('{"features":"a"}', "Unmarshal type error: expected=[]float64, got=string"),
        ('{"features":5}', "Unmarshal type error: expected=[]float64, got=number"),
        ("[1,2]", "Unmarshal type error: expected=object, got=array"),
        (
            "{b",
            "Syntax error: offset=2, error=invalid character 'b' looking for beginning of object"
            " key string",
        ),
        ('{"features":[1,2}', "Syntax error: offset=17, error=invalid character '}' after"),
        ('{"features":[1,2]} x', "Syntax error: offset=20, error=invalid character 'x' after"),
        ('{"features":[NaN,1]}', "the body can't be read: NaN"),
        ('{"features":[1,', "unexpected EOF"),
        ("[" * 100_000, ""),
        ('{"features":[' + "1" * 5_000 + "]}", ""),
        ("\x00", "Syntax error"),
        ("   ", "Request body can't be empty"),
        ("", "Request body can't be empty"),
    ],
)
def test_put_of_no_json(database: Client, body: str, text: str) -> None:
    """400 with gannoy's message; nothing is changed."""
    database.put(1, [1, 0])
    assert message(database.raw("PUT", "/features/1", body), 400).startswith(text)
    assert message(database.raw("PUT", "/features/2", body), 400).startswith(text)
    assert database.keys(1) == [1]


@pytest.mark.parametrize("kind", [None, "text/plain", "application/xml", "application/jsonx", ""])
def test_put_of_another_content_type(database: Client, kind: str | None) -> None:
    """415 with gannoy's message, with a content type that is not JSON's, and without any."""
    headers = {} if kind is None else {"Content-Type": kind}
    path = f"/databases/{database.database}/features/1"
    answer = database.server.ask("PUT", path, b'{"features":[1,2]}', headers)
    assert message(answer, 415) == "Unsupported Media Type"


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=UTF-8"])
def test_put_of_json_with_parameters(database: Client, kind: str) -> None:
    """The content type counts without its parameters."""
    path = f"/databases/{database.database}/features/1"
    answer = database.server.ask("PUT", path, b'{"features":[1,2]}', {"Content-Type": kind})
    assert is_nothing(answer, 200)


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_put_of_a_form(database: Client, kind: str) -> None:
    """422, as a form has no features: what curl -d sends when no type is told."""
    path = f"/databases/{database.database}/features/1"
    answer = database.server.ask("PUT", path, b'{"features":[1,2]}', {"Content-Type": kind})
    assert is_nothing(answer, 422)


def test_put_with_unknown_fields(database: Client) -> None:
    """They are passed over, and names are told apart without regard to case."""
    assert is_nothing(database.raw("PUT", "/features/1", '{"features":[1,2],"key":"x"}'), 200)
    assert is_nothing(database.raw("PUT", "/features/2", '{"Features":[1,2]}'), 200)


@pytest.mark.parametrize("features", [[1e300, 1e299], [1e-300, 1e-301], [3e38, 3e37]])
def test_put_of_wide_numbers(database: Client, features: list[float]) -> None:
    """gannoy kept float64: a direction counts, however long or short the vector is."""
    database.put(1, [1, 0])
    assert is_nothing(database.put(2, features), 200)
    database.put(3, [1, 0.5])
    assert database.keys(1) == [1, 2, 3]


# POST /databases/D/features


def test_post_creates(database: Client) -> None:
    """200 with nothing; a second time 422, and the first one stays."""
    assert is_nothing(database.post({"key": 1, "features": [1, 0]}), 200)
    assert is_nothing(database.post({"key": 2, "features": [0, 1]}), 200)
    assert is_nothing(database.post({"key": 3, "features": [1, 0.1]}), 200)
    assert is_nothing(database.post({"key": 2, "features": [1, 0]}), 422)
    assert database.keys(1) == [1, 3, 2]


def test_post_without_a_key_is_key_zero(database: Client) -> None:
    """So it goes once."""
    assert is_nothing(database.post({"features": [1, 0]}), 200)
    assert database.keys(0) == [0]
    assert is_nothing(database.post({"key": None, "features": [1, 0]}), 422)


@pytest.mark.parametrize("key", ['"1"', "1.5", "true", "[1]", "{}", "9223372036854775808", "1e2"])
def test_post_of_another_type_of_key(database: Client, key: str) -> None:
    """400 with gannoy's message."""
    answer = database.raw("POST", "/features", f'{{"key":{key},"features":[1,2]}}')
    assert message(answer, 400).startswith("Unmarshal type error: expected=int, got=")


@pytest.mark.parametrize("body", _UNPROCESSABLE)
def test_post_of_other_features(database: Client, body: str) -> None:
    """422 with nothing, as for PUT."""
    assert is_nothing(database.raw("POST", "/features", body), 422)


def test_post_of_no_json(database: Client) -> None:
    """400 and 415, as for PUT."""
    assert message(database.raw("POST", "/features", "{b"), 400).startswith("Syntax error")
    assert message(database.raw("POST", "/features", ""), 400) == "Request body can't be empty"
    answer = database.server.ask("POST", f"/databases/{database.database}/features", b"x", {})
    assert message(answer, 415) == "Unsupported Media Type"


# DELETE /databases/D/features/K


def test_delete(filled: Client) -> None:
    """200 with nothing, and the item is in no answer any more."""
    assert is_nothing(filled.delete(2), 200)
    assert filled.keys(1) == [1, *range(3, 13)]
    assert is_nothing(filled.search("key=2"), 404)


@pytest.mark.parametrize("key", ["99", "x", "1.5", str(2**63)])
def test_delete_of_nothing(twelve: Client, key: str) -> None:
    """422 with nothing: unknown, or no integer."""
    assert is_nothing(twelve.delete(key), 422)
    assert len(twelve.keys(1)) == 12


def test_delete_from_an_unknown_database(server: Server) -> None:
    """422 with nothing."""
    assert is_nothing(Client(server, "none").delete(1), 422)


def test_delete_of_nothing_as_later(tmp_path: Path) -> None:
    """200 where the setting says so; what is no integer, or no database, stays 422."""
    with Server(tmp_path, "--gannoy", "--set", "remove_unknown=200") as server:
        database = create(server, "d")
        assert is_nothing(database.delete(99), 200)
        assert is_nothing(database.delete("x"), 422)
        assert is_nothing(Client(server, "none").delete(1), 422)


# PUT /savepoints


def test_savepoints(server: Server, filled: Client) -> None:
    """202, for one and for all; 422 for an unknown one. No answer is changed by them."""
    before = filled.keys(1)
    for answer in (filled.save(), server.ask("PUT", "/savepoints")):
        assert (answer.status, answer.body) == (202, b"")
    assert is_nothing(Client(server, "none").save(), 422)
    assert filled.keys(1) == before


# The same data through v1


def test_an_item_put_here_is_found_through_v1(twelve: Client) -> None:
    """One collection, two doors."""
    found = twelve.server.ask("GET", f"/v1/collections/{twelve.database}").json()
    assert found["items"] == 12
    assert json.dumps(found["lenses"]["vectors"]["dimension"]) == "2"
