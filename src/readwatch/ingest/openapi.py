"""The OpenAPI 3.1 document of the API, generated from the types that the code uses.

The docstring of a view describes the route, `documented` adds input and responses, paths and
methods come from the app, and the model that validates a body describes it.
"""

import functools
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
from readwatch.ingest.problems import Problem, phrase
from readwatch.ingest.schemas import ID

Json = dict[str, Any]
TypeAndMode = tuple[Any, Literal["validation", "serialization"]]
"""A type, and whether requests (validation) or responses (serialization) contain it."""

View = TypeVar("View", bound=Callable[..., Any])

ANYONE: tuple[UserRole, ...] = ()
READERS = (UserRole.READER,)
STAFF = (UserRole.CONSULTANT, UserRole.ADMIN)
EVERYBODY = tuple(UserRole)

_DESCRIPTION = """\
Requests and responses are JSON in UTF-8. The service ignores members that it does not know; ignore
those that you do not know, because later versions may add some.

Log in to get a token, and send it as `Authorization: Bearer <token>`. Each error is an RFC 9457
problem. Any request can get 404 if its path does not exist, and 405 with `Allow` if the path does
not accept its method. After 429 or 503, send the request again after `Retry-After` seconds.
"""
_MAX_AGE_SECONDS = 300
"""How long a client may use its copy of the document."""

_PARAMETER = re.compile(r"<id:(\w+)>")
_ERRORS_OF_ANY_REQUEST = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})
_SECONDS = {"type": "integer", "minimum": 1}
_HEADERS = {
    HTTPStatus.UNAUTHORIZED: ("WWW-Authenticate", {"const": "Bearer"}),
    HTTPStatus.METHOD_NOT_ALLOWED: ("Allow", {"type": "string"}),
    HTTPStatus.TOO_MANY_REQUESTS: ("Retry-After", _SECONDS),
    HTTPStatus.SERVICE_UNAVAILABLE: ("Retry-After", _SECONDS),
}


@dataclass(frozen=True, slots=True)
class Link:
    """A request that can follow a response, with values from that response: `$response.body#/id`.

    https://spec.openapis.org/oas/v3.1.0#link-object
    """

    operation: str
    description: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Documentation:
    """The input and the responses of a route.

    `responses` maps a status to the type of its JSON, to None for no content, or to the media type
    of content that is not JSON. With empty `roles` no token is required. `links` belong to the
    first response.
    """

    responses: Mapping[int, Any]
    roles: Collection[UserRole]
    body: Any
    query: type[BaseModel] | None
    errors: frozenset[HTTPStatus]
    links: Sequence[Link] = ()

    def types(self) -> Iterator[TypeAndMode]:
        """Yield each type that appears in a request or a response."""
        if self.body is not None:
            yield self.body, "validation"
        for content in self.responses.values():
            if content is not None and not isinstance(content, str):
                yield content, "serialization"


def documented(
    responses: Mapping[int, Any],
    *,
    roles: Collection[UserRole] = EVERYBODY,
    body: Any = None,
    query: type[BaseModel] | None = None,
    errors: Collection[int] = (),
    links: Sequence[Link] = (),
) -> Callable[[View], View]:
    """Document a view; `authorization.py` and `schemas.py` enforce the rules.

    `errors` are statuses that do not follow from the other arguments.
    """
    statuses = {HTTPStatus.INTERNAL_SERVER_ERROR, *map(HTTPStatus, errors)}
    if roles:
        statuses |= {HTTPStatus.UNAUTHORIZED, HTTPStatus.SERVICE_UNAVAILABLE}
    if roles and set(roles) != set(EVERYBODY):
        statuses.add(HTTPStatus.FORBIDDEN)
    if body is not None:
        statuses |= {
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        }
    if body is not None or query is not None:
        statuses.add(HTTPStatus.UNPROCESSABLE_ENTITY)

    documentation = Documentation(
        responses=responses,
        roles=roles,
        body=body,
        query=query,
        errors=frozenset(statuses),
        links=links,
    )

    def attach(view: View) -> View:
        vars(view)["documentation"] = documentation
        return view

    return attach


def install(app: Flask) -> None:
    """Add the route of the document; the first request generates it."""

    @functools.cache
    def document_json() -> bytes:
        return json.dumps(document(app)).encode()

    @app.get("/api/openapi.json")
    @documented({200: Json, 304: None}, roles=ANYONE)
    def openapi() -> Response:
        """Return this document."""
        response = Response(document_json(), content_type="application/json")
        response.cache_control.max_age = _MAX_AGE_SECONDS
        response.add_etag()
        response.make_conditional(request)
        return response


def document(app: Flask) -> Json:
    """Return the OpenAPI document of an app whose views are all documented."""
    routes = [(rule, app.view_functions[rule.endpoint]) for rule in app.url_map.iter_rules()]
    documentations: list[Documentation] = [vars(view)["documentation"] for _, view in routes]
    types: set[TypeAndMode] = {(Problem, "serialization")}
    types.update(*(documentation.types() for documentation in documentations))
    schemas, components = TypeAdapter.json_schemas(
        [(documented_type, mode, TypeAdapter(documented_type)) for documented_type, mode in types],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Schemas,
    )
    errors = _ERRORS_OF_ANY_REQUEST.union(
        *(documentation.errors for documentation in documentations)
    )
    paths: dict[str, Json] = {}
    for (rule, view), documentation in zip(routes, documentations, strict=True):
        operation = _operation(rule, view.__doc__ or "", documentation, schemas)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            paths.setdefault(_PARAMETER.sub(r"{\1}", rule.rule), {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "readwatch",
            "version": __version__,
            "summary": summary,
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(components["$defs"].items())),
            "responses": {_name(status): _error_response(status) for status in sorted(errors)},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


class _Schemas(GenerateJsonSchema):
    """JSON Schema without titles that only repeat the names of the fields."""

    def field_title_should_be_set(self, _schema: object) -> bool:
        return False


def _operation(rule: Rule, doc: str, documentation: Documentation, schemas: Any) -> Json:
    title, _, description = doc.partition("\n")
    operation: Json = {
        "operationId": rule.endpoint.replace(".", "_"),
        "tags": [rule.endpoint.partition(".")[0]],
        "summary": title.removesuffix("."),
        "description": cleandoc(description),
        "parameters": [*_path_parameters(rule), *_query_parameters(documentation.query)],
        "security": [{"token": list(documentation.roles)}] if documentation.roles else [],
        "responses": {
            **{
                str(status): _response(status, content, schemas)
                for status, content in documentation.responses.items()
            },
            **{
                str(int(status)): {"$ref": f"#/components/responses/{_name(status)}"}
                for status in sorted(documentation.errors)
            },
        },
    }
    if documentation.links:
        first = str(next(iter(documentation.responses)))
        operation["responses"][first]["links"] = {
            link.operation: _link(link) for link in documentation.links
        }
    if documentation.body is not None:
        schema = schemas[documentation.body, "validation"]
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    return operation


def _path_parameters(rule: Rule) -> Iterator[Json]:
    for name in sorted(rule.arguments):
        yield {"name": name, "in": "path", "required": True, "schema": ID}


def _query_parameters(model: type[BaseModel] | None) -> Iterator[Json]:
    if model is None:
        return
    properties = model.model_json_schema(schema_generator=_Schemas)["properties"]
    for name, schema in properties.items():
        description = schema.pop("description")
        # A query parameter cannot be null, only absent.
        variants = schema.pop("anyOf", [schema])
        (not_null,) = (variant for variant in variants if variant != {"type": "null"})
        yield {"name": name, "in": "query", "description": description, "schema": not_null}


def _response(status: int, content: Any, schemas: Any) -> Json:
    response: Json = {"description": phrase(HTTPStatus(status))}
    if isinstance(content, str):
        response["content"] = {content: {"schema": {"type": "string"}}}
    elif content is not None:
        response["content"] = {"application/json": {"schema": schemas[content, "serialization"]}}
    return response


def _link(link: Link) -> Json:
    members: Json = {"operationId": link.operation, "description": link.description}
    if link.parameters:
        members["parameters"] = dict(link.parameters)
    if link.body:
        members["requestBody"] = dict(link.body)
    return members


def _error_response(status: HTTPStatus) -> Json:
    schema = {"$ref": "#/components/schemas/Problem"}
    response: Json = {
        "description": phrase(status),
        "content": {"application/problem+json": {"schema": schema}},
    }
    if status in _HEADERS:
        header, header_schema = _HEADERS[status]
        response["headers"] = {header: {"required": True, "schema": header_schema}}
    return response


def _name(status: HTTPStatus) -> str:
    """Return the name of an error response in the components."""
    return phrase(status).title().replace(" ", "")
