"""Invalid input: refused by field, not stored and not repeated.

As nothing is stored, all cases share one database.
"""

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import ENGINES, PASSWORD, StillClock
from ingest.api import Api, ApiClient, all_rows, fetch_all, invalid_fields, problem
from postgres import drop_database, new_database

from readwatch.domain.users import UserRole
from readwatch.ingest.app import create_app
from readwatch.ingest.services import Settings
from readwatch.store.engine.connections import Database, close_all, connection, open_database
from readwatch.store.engine.privileges import Role
from readwatch.store.identity.users import NewUser, add_user

MIB = 1024 * 1024
SECRET = "a secret of Ann"
HALF = "\ud83d"
"""Half of an emoji, as apps leave it behind when they cut a text by its length in UTF-16."""

WRONG: list[tuple[str, list[Any]]] = [
    (
        "activity_type",
        [None, "", " ", "Page", "1page", "_page", "page-read", "page read", "page\n"],
    ),
    ("activity_type", ["\u00e9", "a\0", HALF, "a" * 51, 5, True, 5.0, [], {}, ["page_read"]]),
    ("content_id", ["x" * 256, 5, True, 5.0, [], {}, "a\0b", "\udc00", "a" + HALF]),
    ("content_title", ["x" * 501, 5, True, 5.0, [], {}, "\0", HALF, SECRET + HALF + "x"]),
    ("progress_percentage", [-1, 101, 10**30, -(10**30), 1e300, 5.5, -0.5, True, False]),
    ("progress_percentage", ["5", "", HALF, [], {}, [5]]),
    ("duration_seconds", [-1, 86_401, 2**63, 10**400, 86_401.0, 0.5, True, "5", [], {}]),
    ("metadata", ["{}", "", 5, True, [], [["a", 1]]]),
    ("metadata", [{"a": "x" * (16 * 1024 - 7)}, {"a": "\u00e9" * 8200}, {"a": list(range(5000))}]),
    ("metadata", [{"a": "\0"}, {"\0": 1}, {"a": [{"b": SECRET + "\0"}]}, {"a": HALF}, {HALF: 1}]),
    ("event_id", ["", "x" * 65, 5, True, 5.0, [], {}, "a\0", HALF]),
    # Without an offset, or no time at all.
    ("occurred_at", ["2026-11-22T10:00:00", "2026-11-22", "10:00:00Z", "", "now", HALF, "\0"]),
    ("occurred_at", [1_795_348_800, 5.0, True, [], {}, "1795348800", "2026-W47-7T10:00:00Z"]),
    ("occurred_at", ["2026-11-22T10:00:00+0100", "2026-11-22T10:00Z", "20261122T100000Z"]),
    ("occurred_at", ["2026-11-22T10:00:00Z\n", " 2026-11-22T10:00:00Z", "2026-11-22T10:00:00.Z"]),
    ("occurred_at", ["\uff12\uff10\uff12\uff16-11-22T10:00:00Z"]),
    # Times that do not exist.
    ("occurred_at", ["2026-02-29T10:00:00Z", "2026-13-01T10:00:00Z", "2026-00-01T10:00:00Z"]),
    ("occurred_at", ["2026-11-31T10:00:00Z", "2026-11-22T24:00:01Z", "2026-11-22T10:60:00Z"]),
    ("occurred_at", ["2026-11-22T10:00:61Z", "2026-11-22T10:00:00+24:00", "0000-01-01T00:00:00Z"]),
    ("occurred_at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]),
    # Out of range.
    ("occurred_at", ["2026-11-23T12:00:01Z", "2027-01-01T00:00:00Z", "9999-12-31T00:00:00Z"]),
    ("occurred_at", ["1969-12-31T23:59:59Z", "1970-01-01T00:00:00+01:00", "0001-01-02T00:00:00Z"]),
]


@pytest.fixture(scope="module", params=ENGINES)
def shared_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("bodies") / "readwatch.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgresql_server")
    name = new_database(server, request.getfixturevalue("postgresql_template"))
    yield server.url(name)
    drop_database(server, name)


@pytest.fixture(scope="module")
def db(shared_url: str, password_hash: str) -> Iterator[Database]:
    db = open_database(shared_url, Role.OWNER)
    with connection(db):
        new = NewUser(
            email="ann@example.org",
            full_name="Ann Archer",
            user_role=UserRole.READER,
            password_hash=password_hash,
        )
        add_user(db, new, StillClock().moment)
    if db.is_closed():
        db.connect()
    yield db
    db.close()
    close_all(db)


@pytest.fixture(scope="module")
def ann(shared_url: str, db: Database) -> Iterator[ApiClient]:
    app = create_app(Settings(shared_url, bcrypt_cost=4), StillClock())
    yield Api(app.test_client(), app=app).login("ann@example.org", PASSWORD)
    app.extensions["readwatch"].close()


def refused(ann: ApiClient, db: Database, status: int, body: Any) -> list[str]:
    """Post a body that must be refused; return the names of the invalid fields."""
    before = all_rows(db)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()

    answer = ann.post("/api/activities", data=raw)

    fields = invalid_fields(problem(answer, status), status)
    assert SECRET not in answer.text
    assert all_rows(db) == before
    return fields


@pytest.mark.parametrize(
    ("field", "value"),
    [(field, value) for field, values in WRONG for value in values],
    ids=lambda value: ascii(value)[:40],
)
def test_an_invalid_value_is_refused_with_the_name_of_its_field(
    ann: ApiClient, db: Database, field: str, value: Any
) -> None:
    body = {"activity_type": "page_read", "content_title": SECRET, field: value}
    assert refused(ann, db, 422, body) == [field]


def test_the_type_is_required(ann: ApiClient, db: Database) -> None:
    assert refused(ann, db, 422, {}) == ["activity_type"]
    assert refused(ann, db, 422, {"activity": {"activity_type": "page_read"}}) == ["activity_type"]


def test_all_invalid_fields_are_named(ann: ApiClient, db: Database) -> None:
    body = {
        "activity_type": "Page",
        "progress_percentage": "5",
        "duration_seconds": -1,
        "occurred_at": "now",
        "metadata": [],
    }
    assert sorted(refused(ann, db, 422, body)) == sorted(body)


@pytest.mark.parametrize("body", [None, True, 5, 5.5, "page_read", [], [{"activity_type": "a"}]])
def test_json_that_is_not_an_object_is_refused(ann: ApiClient, db: Database, body: Any) -> None:
    assert refused(ann, db, 422, body) == [""]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"{",
        b'{"activity_type": "page_read"',
        b'{"activity_type": "page_read"} x',
        b'{"activity_type": "page_read",}',
        b"{'activity_type': 'page_read'}",
        b"activity_type=page_read",
        b'{"activity_type": "\xff"}',
        b'{"activity_type": "page_read", "content_title": "a\nb"}',
        b'{"activity_type": "page_read", "content_title": "\\ud8zz"}',
        b'{"activity_type": "page_read", "metadata": {"a": NaN}}',
        b'{"activity_type": "page_read", "metadata": {"a": -Infinity}}',
        b'{"activity_type": "page_read", "progress_percentage": Infinity}',
        b'{"activity_type": "page_read", "metadata": {"a": ' + b"9" * 5000 + b"}}",
        '{"activity_type": "page_read"}'.encode("utf-16"),
        b"\x1f\x8b\x08\x00",
        b"\0" * 100,
    ],
)
def test_a_body_that_is_not_json_is_refused(ann: ApiClient, db: Database, raw: bytes) -> None:
    assert refused(ann, db, 400, raw) == [""]


@pytest.mark.parametrize("depth", [500, 100_000])
@pytest.mark.parametrize(("start", "end"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_extreme_nesting_is_refused(
    ann: ApiClient, db: Database, depth: int, start: bytes, end: bytes
) -> None:
    nested = start * depth + b"1" + end * depth
    body = b'{"activity_type": "page_read", "metadata": {"a": ' + nested + b"}}"
    assert refused(ann, db, 400, body) == [""]


def test_a_number_that_overflows_is_refused(ann: ApiClient, db: Database) -> None:
    for field in ("duration_seconds", "metadata"):
        number = b"1e999" if field != "metadata" else b'{"a": [1e999]}'
        body = b'{"activity_type": "page_read", "%s": %s}' % (field.encode(), number)
        assert refused(ann, db, 422, body) == [field]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_one_mebibyte_is_accepted_and_one_byte_more_is_not(
    ann: ApiClient, db: Database, chunked: bool
) -> None:
    """With a Content-Length, or in chunks."""

    def post(size: int) -> Any:
        body = b'{"activity_type": "Page"}'.ljust(size)
        # As granian does: it ends the stream itself and says so with this variable.
        as_granian: dict[str, object] = {"wsgi.input_terminated": True}
        if chunked:
            as_granian |= {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}
        return ann.post("/api/activities", data=body, environ_overrides=as_granian)

    before = all_rows(db)
    assert invalid_fields(problem(post(MIB), 422), 422) == ["activity_type"]
    assert problem(post(MIB + 1), 413)["detail"] == "the body is larger than 1024 KiB"
    problem(post(2 * MIB), 413)
    assert all_rows(db) == before


def test_the_content_type_is_ignored(ann: ApiClient, db: Database) -> None:
    before = fetch_all(db, "SELECT count(*) FROM reader_activities")
    for content_type in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; x=y",
    ):
        answer = ann.post(
            "/api/activities", data=b'{"activity_type": "A"}', content_type=content_type
        )
        assert invalid_fields(problem(answer, 422), 422) == ["activity_type"]
    assert fetch_all(db, "SELECT count(*) FROM reader_activities") == before
