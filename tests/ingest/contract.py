"""Compares responses with what the OpenAPI document says about them."""

import functools
import json
from typing import Any

import jsonschema_rs
from flask import Flask
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.test import TestResponse

from readwatch.ingest import openapi

_document: dict[str, Any] = {}
"""Generated from the first app; it is the same for all apps."""


def check(app: Flask, method: str, path: str, answer: TestResponse) -> None:
    """Fail if a response has a status, header, content type or member that is not documented."""
    if not _document:
        _document.update(_strict(openapi.document(app)))
    documented = _documented_response(app, method, path.partition("?")[0], answer.status_code)
    for name, header in documented.get("headers", {}).items():
        value = answer.headers[name]
        _valid(header["schema"], int(value) if value.isdigit() else value)
    if method in {"HEAD", "OPTIONS"} or "content" not in documented:
        assert answer.data == b""
        return
    content = documented["content"][answer.content_type]
    if str(answer.mimetype).endswith("json"):
        _valid(content["schema"], json.loads(answer.data))


def _documented_response(app: Flask, method: str, path: str, status: int) -> dict[str, Any]:
    """Return what the document says about such a response."""
    errors = _document["components"]["responses"]
    try:
        rule, _ = app.url_map.bind("").match(path, method, return_rule=True)
    except NotFound:
        return errors["NotFound"]
    except MethodNotAllowed:
        return errors["MethodNotAllowed"]
    if method == "OPTIONS":
        return {"headers": errors["MethodNotAllowed"]["headers"]}
    operations = _document["paths"][rule.rule.replace("<id:", "{").replace(">", "}")]
    answers = operations["get" if method == "HEAD" else method.lower()]["responses"]
    assert str(status) in answers, f"the document does not say that {method} {rule} is {status}"
    response = answers[str(status)]
    return errors[response["$ref"].rpartition("/")[2]] if "$ref" in response else response


def _strict(schema: Any) -> Any:
    """Return the document with all members forbidden that it does not name."""
    if isinstance(schema, list):
        return [_strict(it) for it in schema]
    if not isinstance(schema, dict):
        return schema
    more = {"additionalProperties": False} if schema.get("type") == "object" else {}
    return more | {name: _strict(it) for name, it in schema.items()}


def _valid(schema: dict[str, Any], value: Any) -> None:
    _validator(json.dumps(schema)).validate(value)


@functools.cache
def _validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    whole = json.loads(schema) | {"components": _document["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
