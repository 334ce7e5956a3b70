"""What requests have to look like; unknown fields are ignored, as apps evolve."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

import pydantic_core
from flask import request
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    Strict,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from pydantic.dataclasses import dataclass
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from typing_extensions import TypeAliasType
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import BaseConverter
from werkzeug.routing import ValidationError as NoId

from readwatch.domain import activities as limits
from readwatch.domain.activities import Activity
from readwatch.domain.sessions import MAX_DEVICE_TYPE_LENGTH
from readwatch.ingest.problems import InvalidRequest

MAX_BODY_BYTES = 1024 * 1024
MAX_PAGE = 500
MAX_ID = 2**63 - 1
ID = {"type": "integer", "minimum": 1, "maximum": MAX_ID}
"""What an id in an address has to be, in JSON Schema."""

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
# Each escape is taken as a whole: what follows an escaped backslash is none.
_ESCAPE = re.compile(
    rb"""\\ (?: u[dD][89abAB][0-9a-fA-F]{2} \\u[dD][c-fC-F][0-9a-fA-F]{2}
            | (?P<half> u[dD][89a-fA-F][0-9a-fA-F]{2} )
            | . )""",
    re.VERBOSE | re.DOTALL,
)

_NO_CHARACTER = "cannot hold NUL or half of a surrogate pair"


def _moment(value: object) -> datetime:
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise ValueError("has to be a moment with an offset, as in 2026-11-22T10:00:00+01:00")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("is not a moment that exists") from None


def _without_nul(text: str) -> str:
    # PostgreSQL cannot keep this character; both engines refuse it alike.
    if "\0" in text:
        raise ValueError(_NO_CHARACTER)
    return text


def _metadata(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ValueError("has to be a JSON object")
    try:
        kept = limits.as_json(value)
    except ValueError:
        raise ValueError("holds a number that JSON cannot keep") from None
    if len(kept.encode()) > limits.MAX_METADATA_BYTES:
        raise ValueError(f"is larger than {limits.MAX_METADATA_BYTES // 1024} KiB")
    if _ESCAPED_NUL.search(kept):
        raise ValueError(_NO_CHARACTER)
    return kept


class _Like:
    """The document describes the value as this type: a validator sees to what the type says."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(TypeAdapter(self._kind).core_schema)


class _WithoutNul(AfterValidator):
    """A text that both engines can keep."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(schema) | {"pattern": r"^[^\u0000]*$"}


Storable = _WithoutNul(_without_nul)
Text = TypeAliasType("Text", Annotated[str, Storable])
Json = TypeAliasType("Json", "bool | float | Text | list[Json] | dict[Text, Json] | None")
Number = Annotated[int, Strict()]
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": f"^{_RFC_3339.pattern}$"}),
]


class Body(BaseModel):
    """A JSON object whose values have to be of the right type: "5" is not a number."""

    model_config = ConfigDict(strict=True, frozen=True)


class Login(Body):
    """The body of a login."""

    email: Annotated[str, Field(min_length=1, max_length=255), Storable]
    password: Annotated[str, Field(min_length=1, max_length=1024)]
    device_type: Annotated[str, Field(max_length=MAX_DEVICE_TYPE_LENGTH), Storable] | None = None


class Resume(Body):
    """The body of a request to resume a session."""

    resume_token: Annotated[str, Field(min_length=1, max_length=255)]
    device_type: Annotated[str, Field(max_length=MAX_DEVICE_TYPE_LENGTH), Storable] | None = None


@dataclass(
    frozen=True,
    slots=True,
    config=ConfigDict(json_schema_extra={"not": {"required": ["activities"]}}),
)
class ActivityBody(Activity):
    """One activity, which is the domain's own: an app may post thousands of them at once."""

    activity_type: Annotated[
        str, Field(max_length=limits.MAX_TYPE_LENGTH, pattern=limits.TYPE_PATTERN)
    ]
    content_id: (
        Annotated[str, Field(min_length=1, max_length=limits.MAX_CONTENT_ID_LENGTH), Storable]
        | None
    ) = None
    content_title: Annotated[str, Field(max_length=limits.MAX_TITLE_LENGTH), Storable] | None = None
    progress_percentage: Annotated[Number, Field(ge=0, le=100)] | None = None
    duration_seconds: Annotated[Number, Field(ge=0, le=limits.MAX_DURATION_SECONDS)] | None = None
    metadata: Annotated[
        str | None,
        BeforeValidator(_metadata),
        _Like(dict[Text, Json] | None),
        Field(description="up to 16 KiB as JSON in UTF-8"),
    ] = None
    event_id: (
        Annotated[str, Field(min_length=1, max_length=limits.MAX_EVENT_ID_LENGTH), Storable] | None
    ) = None
    occurred_at: Annotated[
        Moment | None, Field(description="RFC 3339, from 1970 to 24 h ahead of the service")
    ] = None


class BatchBody(Body):
    """Many activities at once; each is checked by itself, so that one cannot spoil the others."""

    activities: Annotated[
        list[Annotated[Any, _Like(ActivityBody | Any)]],
        Field(min_length=1, max_length=limits.MAX_BATCH),
    ]
    sent_at: Moment | None = None


class IdConverter(BaseConverter):
    """An id in an address; what cannot be one is an unknown address."""

    regex = r"[1-9][0-9]{0,18}"

    def to_python(self, value: str) -> int:
        """Return the id."""
        if int(value) > MAX_ID:
            raise NoId
        return int(value)


class Query(BaseModel):
    """The part of an address behind the question mark: text, so that "5" is a number here."""

    model_config = ConfigDict(frozen=True)


class Page(Query):
    """How many are wanted."""

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 50


class PageBefore(Page):
    """A page of what is older than an id."""

    before: Annotated[int, Field(ge=1, le=MAX_ID)] | None = None


class PageAfter(Page):
    """A page of what is newer than an id."""

    after: Annotated[int, Field(ge=0, le=MAX_ID)] | None = None


B = TypeVar("B")


def json_object() -> dict[str, Any]:
    """Return the JSON object in the body of the request; anything else is refused."""
    raw = request.get_data()
    if len(raw) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    try:
        try:
            value = pydantic_core.from_json(raw, allow_inf_nan=False)
        except ValueError:
            # Apps cut titles in the middle of an emoji. As NUL such a half reaches the check of
            # its own field, instead of spoiling a whole batch.
            value = pydantic_core.from_json(_halves_as_nul(raw), allow_inf_nan=False)
    except ValueError as error:
        raise InvalidRequest(
            [{"field": "", "detail": f"the body is not JSON: {error}"}], HTTPStatus.BAD_REQUEST
        ) from None
    if not isinstance(value, dict):
        raise InvalidRequest([{"field": "", "detail": "the body has to be a JSON object"}])
    return value


def _halves_as_nul(raw: bytes) -> bytes:
    return _ESCAPE.sub(lambda escape: rb"\u0000" if escape["half"] else escape[0], raw)


_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)


def checked(kind: type[B], value: object) -> B:
    """Return a value as a body of this kind; raise `InvalidRequest` that names each fault."""
    if not isinstance(value, dict):
        raise InvalidRequest([{"field": "", "detail": "has to be a JSON object"}])
    try:
        good: B = _adapter(kind).validator.validate_python(value)
    except ValidationError as error:
        raise InvalidRequest(
            [
                {
                    "field": ".".join(map(str, fault["loc"])),
                    "detail": fault["msg"].removeprefix("Value error, "),
                }
                for fault in error.errors(include_url=False, include_input=False)
            ]
        ) from None
    return good


def query(kind: type[B]) -> B:
    """Return the query of the request as `kind`; unknown names are ignored."""
    return checked(kind, request.args.to_dict())
