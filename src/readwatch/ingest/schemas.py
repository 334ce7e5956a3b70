"""The request bodies, query parameters and ids that the API accepts; unknown fields are ignored."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, TypeVar

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
from werkzeug.routing import BaseConverter
from werkzeug.routing import ValidationError as InvalidId

from readwatch.domain import activities as limits
from readwatch.domain.activities import Activity
from readwatch.domain.sessions import MAX_DEVICE_TYPE_LENGTH
from readwatch.ingest.problems import InvalidRequest

MAX_PAGE = 500
MAX_ID = 2**63 - 1
MAX_DEPTH = 32
"""How deep objects and lists in `metadata` are nested, itself included."""

ID = {"type": "integer", "minimum": 1, "maximum": MAX_ID}
"""The JSON Schema of an id in a path."""

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")

_INVALID_CHARACTER = "contains NUL or a lone surrogate"


def _time(value: object) -> datetime:
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise ValueError("must be a time with an offset, such as 2026-11-22T10:00:00+01:00")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("is a time that does not exist") from None


def _whole(value: object) -> object:
    # In JSON, 5.0 is the number 5, and some languages cannot write it otherwise.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _without_nul(text: str) -> str:
    # PostgreSQL cannot store this character, so it is refused on both engines.
    if "\0" in text:
        raise ValueError(_INVALID_CHARACTER)
    return text


def _metadata(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object")
    try:
        text = limits.canonical_json(value)
    except ValueError:
        raise ValueError("contains a number that JSON cannot represent") from None
    if len(text.encode()) > limits.MAX_METADATA_BYTES:
        raise ValueError(f"is larger than {limits.MAX_METADATA_BYTES // 1024} KiB")
    if _ESCAPED_NUL.search(text):
        raise ValueError(_INVALID_CHARACTER)
    # Counting brackets is fast, and most metadata has too few of them to be too deep.
    if text.count("{") + text.count("[") > MAX_DEPTH and _deeper_than(MAX_DEPTH, value):
        raise ValueError(f"is nested more than {MAX_DEPTH} levels deep")
    return text


def _deeper_than(levels: int, value: object) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return False
    return levels == 0 or any(_deeper_than(levels - 1, it) for it in value)


class _DocumentedAs:
    """Makes the OpenAPI document describe a value as this type, which a validator enforces."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(TypeAdapter(self._kind).core_schema)


class _WithoutNul(AfterValidator):
    """A validator for text that both engines can store."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(schema) | {"pattern": r"^[^\u0000]*$"}


Storable = _WithoutNul(_without_nul)
Text = TypeAliasType("Text", Annotated[str, Storable])
Json = TypeAliasType("Json", "bool | float | Text | list[Json] | dict[Text, Json] | None")
Number = Annotated[int, Strict()]
Whole = BeforeValidator(_whole)
Time = Annotated[
    datetime,
    BeforeValidator(_time),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": f"^{_RFC_3339.pattern}$"}),
]


class Body(BaseModel):
    """A JSON object whose values must have the right type: "5" is not a number."""

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


class PasswordChange(Body):
    """The body of a password change."""

    current_password: Annotated[str, Field(min_length=1, max_length=1024)]
    new_password: Annotated[str, Field(max_length=1024), Storable]


@dataclass(
    frozen=True,
    slots=True,
    config=ConfigDict(json_schema_extra={"not": {"required": ["activities"]}}),
)
class ActivityBody(Activity):
    """One activity. It is the domain's own record, because apps post thousands of them at once."""

    activity_type: Annotated[
        str, Field(max_length=limits.MAX_TYPE_LENGTH, pattern=limits.TYPE_PATTERN)
    ]
    content_id: (
        Annotated[str, Field(min_length=1, max_length=limits.MAX_CONTENT_ID_LENGTH), Storable]
        | None
    ) = None
    content_title: Annotated[str, Field(max_length=limits.MAX_TITLE_LENGTH), Storable] | None = None
    progress_percentage: Annotated[Number, Field(ge=0, le=100), Whole] | None = None
    duration_seconds: (
        Annotated[Number, Field(ge=0, le=limits.MAX_DURATION_SECONDS), Whole] | None
    ) = None
    metadata: Annotated[
        str | None,
        BeforeValidator(_metadata),
        _DocumentedAs(dict[Text, Json] | None),
        Field(description="up to 16 KiB as JSON in UTF-8, up to 32 levels deep"),
    ] = None
    event_id: (
        Annotated[str, Field(min_length=1, max_length=limits.MAX_EVENT_ID_LENGTH), Storable] | None
    ) = None
    occurred_at: Annotated[
        Time | None, Field(description="RFC 3339, from 1970 to 24 h ahead of the service")
    ] = None


class BatchBody(Body):
    """Many activities; each is validated by itself, so that one invalid item affects no other."""

    activities: Annotated[
        list[Annotated[Any, _DocumentedAs(ActivityBody | Any)]],
        Field(min_length=1, max_length=limits.MAX_BATCH),
    ]
    sent_at: Annotated[
        Time | None,
        Field(description="the current time by the app's clock; it corrects occurred_at"),
    ] = None


class IdConverter(BaseConverter):
    """An id in a path; anything else makes the path unknown (404)."""

    regex = r"[1-9][0-9]{0,18}"

    def to_python(self, value: str) -> int:
        """Return the id."""
        if int(value) > MAX_ID:
            raise InvalidId
        return int(value)


class Query(BaseModel):
    """Query parameters: they are text, so "5" is a number here."""

    model_config = ConfigDict(frozen=True)


class Page(Query):
    """The length of a page."""

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 50


class PageBefore(Page):
    """A page of items older than an id."""

    before: Annotated[int, Field(ge=1, le=MAX_ID)] | None = None


class PageAfter(Page):
    """A page of items newer than an id."""

    after: Annotated[int, Field(ge=0, le=MAX_ID)] | None = None


M = TypeVar("M")


_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)


def validated(model: type[M], value: object) -> M:
    """Return a value as this model; raise `InvalidRequest` that names each invalid field."""
    if not isinstance(value, dict):
        raise InvalidRequest([{"field": "", "detail": "must be a JSON object"}])
    try:
        instance: M = _adapter(model).validator.validate_python(value)
    except ValidationError as error:
        raise InvalidRequest(
            [
                {
                    "field": ".".join(map(str, it["loc"])),
                    "detail": it["msg"].removeprefix("Value error, "),
                }
                for it in error.errors(include_url=False, include_input=False)
            ]
        ) from None
    return instance


def query_parameters(model: type[M]) -> M:
    """Return the query parameters of the request as this model; unknown names are ignored."""
    return validated(model, request.args.to_dict())
