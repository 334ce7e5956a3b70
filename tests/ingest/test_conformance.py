"""Schemathesis sends valid and invalid requests by the OpenAPI document and finds no deviation."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import chain, cycle
from typing import Any

import pytest
import schemathesis
from conftest import NOON
from hypothesis import strategies as st
from ingest.api import Api
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.engine import events, from_schema
from schemathesis.transport.wsgi import WSGITransport

CHECKS = {
    "allow_header_conformance",
    "content_type_conformance",
    "ensure_resource_availability",
    "ignored_auth",
    "missing_required_header",
    "negative_data_rejection",
    "not_a_server_error",
    "object_level_authorization",
    "positive_data_acceptance",
    "response_headers_conformance",
    "response_schema_conformance",
    "status_code_conformance",
    "unsupported_method",
    "use_after_free",
}

# JSON Schema cannot say that a time is neither before 1970 nor in the future.
schemathesis.openapi.format(
    "date-time",
    st.datetimes(
        datetime(1970, 1, 2),  # noqa: DTZ001 the strategy takes the zone by itself
        NOON.replace(tzinfo=None),
        timezones=st.integers(-14 * 60, 14 * 60).map(lambda it: timezone(timedelta(minutes=it))),
    )
    .filter(lambda time: time <= NOON)
    .map(datetime.isoformat),
)


@pytest.fixture(autouse=True)
def without_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove arguments that Schemathesis passes to an app although only sockets accept them."""
    send = WSGITransport.send

    def send_without(self: WSGITransport, case: Any, **settings: Any) -> Any:
        for name in ("max_redirects", "verify", "cert"):
            settings.pop(name, None)
        return send(self, case, **settings)

    monkeypatch.setattr(WSGITransport, "send", send_without)


def _by_its_format(schema: dict[str, Any]) -> dict[str, Any]:
    """Generate times from their format alone: Schemathesis prefers a pattern."""
    if schema.get("format") == "date-time":
        schema.pop("pattern", None)
    return schema


def deviations(
    api: Api, email: str | None, examples: int, *, follows_links: bool = False
) -> Iterator[str]:
    """Yield what Schemathesis finds with a user's token, and print what it tried."""
    config = SchemathesisConfig.from_dict(
        {
            "generation": {"max-examples": examples, "deterministic": True, "database": "none"},
            "continue-on-failure": True,
            "phases": {"stateful": {"enabled": follows_links}},
            # How long a password has to be depends on the role, and at most on its bytes.
            "operations": [
                {
                    "include-name": "PUT /api/me/password",
                    "checks": {"positive_data_acceptance": {"enabled": False}},
                }
            ],
        }
    )
    document = json.loads(api.get("/api/openapi.json").data, object_hook=_by_its_format)
    schema = schemathesis.openapi.from_dict(document, config=config)
    schema.app = api.app
    if email is not None:
        _authenticate(api, email, schema)
    requests, checks = Counter[str](), Counter[str]()
    for event in from_schema(schema).execute():
        match event:
            case events.ScenarioFinished():
                requests[str(event.label)] += len(event.recorder.interactions)
                for outcome in chain.from_iterable(event.recorder.checks.values()):
                    checks[outcome.name] += 1
                    if outcome.failure_info is not None:
                        yield f"{outcome.failure_info.failure}\n{outcome.failure_info.code_sample}"
            case events.NonFatalError():
                yield f"{event.label}: {event.value!r}"
            case events.FatalError():
                raise event.exception
    print(f"\n{email or 'nobody'}: {requests.total()} requests, {checks.total()} checks")
    for name, count in sorted((requests | checks).items()):
        print(f"  {count:>7} {name}")
    assert set(checks) == CHECKS
    operations = [each.ok().label for each in schema.get_all_operations() if isinstance(each, Ok)]
    assert operations
    assert requests.keys() >= set(operations)


def _authenticate(api: Api, email: str, schema: Any) -> None:
    """Send a token; each logout gets a token of its own."""
    token, *others = [api.login(email).token for _ in range(10)]
    to_end = cycle(others)

    @schema.auth(refresh_interval=None)
    class _Token:
        def get(self, case: Any, context: Any) -> str:
            return next(to_end) if case.path == "/api/logout" else token

        def set(self, case: Any, token: str, context: Any) -> None:
            case.headers["Authorization"] = f"Bearer {token}"


READER, CONSULTANT = "ann@example.org", "cara@example.org"


@pytest.mark.parametrize(
    ("engine", "email"),
    [
        ("sqlite", READER),
        pytest.param("postgresql", CONSULTANT, marks=pytest.mark.postgresql),
    ],
    indirect=["engine"],
)
def test_the_service_conforms_to_its_document(api: Api, email: str) -> None:
    assert list(deviations(api, email, examples=2)) == []


@pytest.mark.proof
@pytest.mark.parametrize("email", [READER, CONSULTANT, None])
def test_the_service_conforms_to_its_document_in_a_long_run(api: Api, email: str | None) -> None:
    assert list(deviations(api, email, examples=300, follows_links=True)) == []
