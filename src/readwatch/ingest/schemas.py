"""What requests have to look like; unknown fields are ignored, as apps evolve."""

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
from werkzeug.routing import ValidationError as NoId

from readwatch.domain import activities as limits
from readwatch.domain.activities import Activity
from readwatch.domain.sessions import MAX_DEVICE_TYPE_LENGTH
from readwatch.ingest.problems import InvalidRequest

MAX_PAGE = 500
MAX_ID = 2**63 - 1
MAX_DEPTH = 32
"""Objects and lists inside one another in `metadata`, itself included."""

ID = {"type": "integer", "minimum": 1, "maximum": MAX_ID}
"""What an id in an address has to be, in JSON Schema."""

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")

_NO_CHARACTER = "cannot hold NUL or half of a surrogate pair"


def _moment(value: object) -> datetime:
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise ValueError("has to be a moment with an offset, as in 2026-11-22T10:00:00+01:00")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("is not a moment that exists") from None


def _whole(value: object) -> object:
    # To JSON 5.0 is the number 5, and some languages know no other way to write it.
    return int(value) if isinstance(value, float) and value.is_integer() else value


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
        kept = limits.canonical_json(value)
    except ValueError:
        raise ValueError("holds a number that JSON cannot keep") from None
    if len(kept.encode()) > limits.MAX_METADATA_BYTES:
        raise ValueError(f"is larger than {limits.MAX_METADATA_BYTES // 1024} KiB")
    if _ESCAPED_NUL.search(kept):
        raise ValueError(_NO_CHARACTER)
    # The brackets are counted first, which is quick: most often there are too few to be deep.
    if kept.count("{") + kept.count("[") > MAX_DEPTH and _deeper_than(MAX_DEPTH, value):
        raise ValueError(f"is nested more than {MAX_DEPTH} levels deep")
    return kept


def _deeper_than(levels: int, value: object) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return False
    return levels == 0 or any(_deeper_than(levels - 1, one) for one in value)


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
Whole = BeforeValidator(_whole)
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


class PasswordChange(Body):
    """The body of a change of the password."""

    current_password: Annotated[str, Field(min_length=1, max_length=1024)]
    new_password: Annotated[str, Field(max_length=1024), Storable]


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
    progress_percentage: Annotated[Number, Field(ge=0, le=100), Whole] | None = None
    duration_seconds: (
        Annotated[Number, Field(ge=0, le=limits.MAX_DURATION_SECONDS), Whole] | None
    ) = None
    metadata: Annotated[
        str | None,
        BeforeValidator(_metadata),
        _Like(dict[Text, Json] | None),
        Field(description="up to 16 KiB as JSON in UTF-8, up to 32 levels deep"),
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
    sent_at: Annotated[
        Moment | None,
        Field(description="Now, by the app's clock: how far that is off is added to occurred_at."),
    ] = None


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


_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)


def validated(kind: type[B], value: object) -> B:
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


def query_parameters(kind: type[B]) -> B:
    """Return the query of the request as `kind`; unknown names are ignored."""
    return validated(kind, request.args.to_dict())
