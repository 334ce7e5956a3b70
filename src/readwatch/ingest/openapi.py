"""The OpenAPI 3.1 document of the API, made from the types that the code itself works with.

A view's docstring says what its route does, `described` what it takes and answers; addresses and
methods come from the app, and a body is described by the model that checks it.
"""

import functools
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from inspect import cleandoc
from typing import Any, Literal, TypeVar

from flask import Flask, Response, json, request
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from werkzeug.routing import Rule

from readwatch import __doc__ as summary
from readwatch import __version__
from readwatch.domain.users import UserRole
from readwatch.ingest.problems import Problem
from readwatch.ingest.schemas import ID

Json = dict[str, Any]
Kind = tuple[Any, Literal["validation", "serialization"]]
"""A type, and whether values of it are read or written."""

View = TypeVar("View", bound=Callable[..., Any])

ANYONE: tuple[UserRole, ...] = ()
READERS = (UserRole.READER,)
STAFF = (UserRole.CONSULTANT, UserRole.ADMIN)
EVERYBODY = tuple(UserRole)

_ABOUT = """\
What is sent and answered is JSON in UTF-8. Members that the service does not know are ignored;
ignore those that you do not know, as answers get more of them.

Log in for a token and send it as `Authorization: Bearer <token>`. Each error is an RFC 9457
problem. Besides those of the operations: 404 where there is nothing at an address, 405 with `Allow`
where an address does not take a method. After 429 or 503 come again in `Retry-After` seconds.
"""
_MAX_AGE = 300
"""Seconds for which a client may go on with the document that it has."""

_PARAMETER = re.compile(r"<id:(\w+)>")
_OF_ANY_ADDRESS = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})
_SECONDS = {"type": "integer", "minimum": 1}
_HEADERS = {
    HTTPStatus.UNAUTHORIZED: ("WWW-Authenticate", {"const": "Bearer"}),
    HTTPStatus.METHOD_NOT_ALLOWED: ("Allow", {"type": "string"}),
    HTTPStatus.TOO_MANY_REQUESTS: ("Retry-After", _SECONDS),
    HTTPStatus.SERVICE_UNAVAILABLE: ("Retry-After", _SECONDS),
}


@dataclass(frozen=True, slots=True)
class Documentation:
    """What a route takes and answers.

    `answers` has the type of the JSON by status; None is no content, a text the media type of
    what is no JSON. Without anybody in `who` no token is needed.
    """

    responses: Mapping[int, Any]
    roles: Collection[UserRole]
    body: Any
    query: type[BaseModel] | None
    errors: frozenset[HTTPStatus]

    def kinds(self) -> Iterator[Kind]:
        """Return each type that it speaks of."""
        if self.body is not None:
            yield self.body, "validation"
        for kind in self.responses.values():
            if kind is not None and not isinstance(kind, str):
                yield kind, "serialization"


def documented(
    responses: Mapping[int, Any],
    *,
    roles: Collection[UserRole] = EVERYBODY,
    body: Any = None,
    query: type[BaseModel] | None = None,
    errors: Collection[int] = (),
) -> Callable[[View], View]:
    """Describe a view for the document; nothing of it is looked at when a request comes.

    `errors` are those that do not follow from the rest.
    """
    found = {HTTPStatus.INTERNAL_SERVER_ERROR, *map(HTTPStatus, errors)}
    if roles:
        found |= {HTTPStatus.UNAUTHORIZED, HTTPStatus.SERVICE_UNAVAILABLE}
    if roles and set(roles) != set(EVERYBODY):
        found.add(HTTPStatus.FORBIDDEN)
    if body is not None:
        found |= {
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        }
    if body is not None or query is not None:
        found.add(HTTPStatus.UNPROCESSABLE_ENTITY)

    def keep(view: View) -> View:
        vars(view)["description"] = Documentation(responses, roles, body, query, frozenset(found))
        return view

    return keep


def install(app: Flask) -> None:
    """Serve the document of the app; it is made when it is first asked for."""

    @functools.cache
    def written() -> bytes:
        return json.dumps(document(app)).encode()

    @app.get("/api/openapi.json")
    @documented({200: Json, 304: None}, roles=ANYONE)
    def openapi() -> Response:
        """Return this document."""
        answer = Response(written(), content_type="application/json")
        answer.cache_control.max_age = _MAX_AGE
        answer.add_etag()
        answer.make_conditional(request)
        return answer


def document(app: Flask) -> Json:
    """Return the OpenAPI document of an app whose views are all described."""
    routes = [(rule, app.view_functions[rule.endpoint]) for rule in app.url_map.iter_rules()]
    descriptions: list[Documentation] = [vars(view)["description"] for _, view in routes]
    kinds = {(Problem, "serialization"), *(it for one in descriptions for it in one.kinds())}
    schemas, components = TypeAdapter.json_schemas(
        [(kind, mode, TypeAdapter(kind)) for kind, mode in kinds],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Schemas,
    )
    errors = _OF_ANY_ADDRESS.union(*(one.errors for one in descriptions))
    paths: dict[str, Json] = {}
    for (rule, view), description in zip(routes, descriptions, strict=True):
        operation = _operation(rule, view.__doc__ or "", description, schemas)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            paths.setdefault(_PARAMETER.sub(r"{\1}", rule.rule), {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "readwatch",
            "version": __version__,
            "summary": summary,
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(components["$defs"].items())),
            "responses": {_name(status): _error(status) for status in sorted(errors)},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


class _Schemas(GenerateJsonSchema):
    """Without titles that only repeat the names of the fields."""

    def field_title_should_be_set(self, _schema: object) -> bool:
        return False


def _operation(rule: Rule, doc: str, description: Documentation, schemas: Any) -> Json:
    title, _, more = doc.partition("\n")
    operation: Json = {
        "operationId": rule.endpoint.replace(".", "_"),
        "tags": [rule.endpoint.partition(".")[0]],
        "summary": title.removesuffix("."),
        "description": cleandoc(more),
        "parameters": [*_in_path(rule), *_in_query(description.query)],
        "security": [{"token": list(description.roles)}] if description.roles else [],
        "responses": {
            **{str(it): _answer(it, kind, schemas) for it, kind in description.responses.items()},
            **{
                str(int(it)): {"$ref": f"#/components/responses/{_name(it)}"}
                for it in sorted(description.errors)
            },
        },
    }
    if description.body is not None:
        schema = schemas[description.body, "validation"]
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    return operation


def _in_path(rule: Rule) -> Iterator[Json]:
    for name in sorted(rule.arguments):
        yield {"name": name, "in": "path", "required": True, "schema": ID}


def _in_query(kind: type[BaseModel] | None) -> Iterator[Json]:
    for name, schema in kind.model_json_schema()["properties"].items() if kind else ():
        # An address cannot say null: what is not given is left out.
        (said,) = (it for it in schema.pop("anyOf", [schema]) if it != {"type": "null"})
        yield {"name": name, "in": "query", "schema": said}


def _answer(status: int, kind: Any, schemas: Any) -> Json:
    answer: Json = {"description": HTTPStatus(status).phrase}
    if isinstance(kind, str):
        answer["content"] = {kind: {"schema": {"type": "string"}}}
    elif kind is not None:
        answer["content"] = {"application/json": {"schema": schemas[kind, "serialization"]}}
    return answer


def _error(status: HTTPStatus) -> Json:
    schema = {"$ref": "#/components/schemas/Problem"}
    answer: Json = {
        "description": status.phrase,
        "content": {"application/problem+json": {"schema": schema}},
    }
    if status in _HEADERS:
        header, said = _HEADERS[status]
        answer["headers"] = {header: {"required": True, "schema": said}}
    return answer


def _name(status: HTTPStatus) -> str:
    """Return the name of an error among the components."""
    return status.phrase.title().replace(" ", "")
