"""The request bodies, query parameters and ids that the API accepts; unknown fields are ignored."""

from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, TypeVar

from flask import request
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from werkzeug.routing import BaseConverter
from werkzeug.routing import ValidationError as InvalidId

from readwatch.domain.activities import (
    MAX_BATCH,
    MAX_CONTENT_ID_LENGTH,
    MAX_DURATION_SECONDS,
    MAX_EVENT_ID_LENGTH,
    MAX_TITLE_LENGTH,
    MAX_TYPE_LENGTH,
    TYPE_PATTERN,
    Activity,
)
from readwatch.domain.sessions import MAX_DEVICE_TYPE_LENGTH
from readwatch.ingest.field_types import (
    DocumentedAs,
    Integer,
    Metadata,
    Time,
    WholeFloatAllowed,
    WithoutNul,
)
from readwatch.ingest.problems import InvalidRequest
from readwatch.store.engine.models import MAX_ID

MAX_PAGE = 500
ID = {"type": "integer", "minimum": 1, "maximum": MAX_ID}
"""The JSON Schema of an id in a path."""


class Body(BaseModel):
    """A JSON object; values are not converted: "5" is not a number."""

    model_config = ConfigDict(strict=True, frozen=True)


DeviceType = Annotated[
    Annotated[str, Field(max_length=MAX_DEVICE_TYPE_LENGTH), WithoutNul] | None,
    Field(description="shown to consultants, such as tablet"),
]


NewPassword = Annotated[
    str,
    Field(max_length=1024, description="readers: 8 characters or more, others: 12; to 72 bytes"),
    WithoutNul,
]


class Login(Body):
    """The body of a login."""

    email: Annotated[
        str, Field(min_length=1, max_length=255, description="in any case"), WithoutNul
    ]
    password: Annotated[
        str, Field(min_length=1, max_length=1024, description="after failures, 429 says when")
    ]
    device_type: DeviceType = None


class Resume(Body):
    """The body of a request to resume a session."""

    resume_token: Annotated[
        str, Field(min_length=1, max_length=255, description="from a login or the last resume")
    ]
    device_type: DeviceType = None


class PasswordChange(Body):
    """The body of a password change."""

    current_password: Annotated[
        str, Field(min_length=1, max_length=1024, description="failures count as at a login")
    ]
    new_password: NewPassword


class Invitation(Body):
    """The code of an invitation and the password that the person chooses."""

    code: Annotated[
        str,
        Field(min_length=1, max_length=255, description="in any case, also without the hyphens"),
    ]
    password: NewPassword


@dataclass(
    frozen=True,
    slots=True,
    config=ConfigDict(json_schema_extra={"not": {"required": ["activities"]}}),
)
class ActivityBody(Activity):
    """One activity."""

    # A subclass of the domain's record, so that no activity has to be copied.

    activity_type: Annotated[
        str,
        Field(
            max_length=MAX_TYPE_LENGTH,
            pattern=TYPE_PATTERN,
            description="what the reader did, such as page_read",
        ),
    ]
    content_id: Annotated[
        Annotated[str, Field(min_length=1, max_length=MAX_CONTENT_ID_LENGTH), WithoutNul] | None,
        Field(description="the app's id of the book or other content"),
    ] = None
    content_title: Annotated[
        Annotated[str, Field(max_length=MAX_TITLE_LENGTH), WithoutNul] | None,
        Field(description="the title; without it, the last title of the same content_id is shown"),
    ] = None
    progress_percentage: Annotated[
        Annotated[Integer, Field(ge=0, le=100), WholeFloatAllowed] | None,
        Field(description="how far the reader is in the content"),
    ] = None
    duration_seconds: Annotated[
        Annotated[Integer, Field(ge=0, le=MAX_DURATION_SECONDS), WholeFloatAllowed] | None,
        Field(description="how long it took, up to 24 h"),
    ] = None
    metadata: Metadata = None
    event_id: Annotated[
        Annotated[str, Field(min_length=1, max_length=MAX_EVENT_ID_LENGTH), WithoutNul] | None,
        Field(description="a UUID of the activity, unique among all devices of the reader"),
    ] = None
    occurred_at: Annotated[
        Time | None,
        Field(
            description="by the app's clock, from 1970 to 24 h ahead of the service; without it, "
            "the time of arrival"
        ),
    ] = None


class BatchBody(Body):
    """Many activities; each is validated alone, so an invalid one does not affect the others."""

    activities: Annotated[
        list[Annotated[Any, DocumentedAs(ActivityBody | Any)]],
        Field(
            min_length=1,
            max_length=MAX_BATCH,
            description=f"1 to {MAX_BATCH} activities; each has its result at the same place",
        ),
    ]
    sent_at: Annotated[
        Time | None,
        Field(description="the current time by the app's clock; it corrects occurred_at"),
    ] = None


class IdConverter(BaseConverter):
    """An id in a path; a path with any other text is unknown (404)."""

    regex = r"[1-9][0-9]{0,18}"

    def to_python(self, value: str) -> int:
        """Return the id."""
        if int(value) > MAX_ID:
            raise InvalidId
        return int(value)


class Query(BaseModel):
    """Query parameters; their text is converted: "5" is a number."""

    model_config = ConfigDict(frozen=True)


class Page(Query):
    """The length of a page."""

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE, description="the length of the page")] = 50


class PageBefore(Page):
    """A page of items older than an id."""

    before: Annotated[
        Annotated[int, Field(ge=1, le=MAX_ID)] | None,
        Field(description="the last id of the previous page"),
    ] = None


class PageAfter(Page):
    """A page of items newer than an id."""

    after: Annotated[
        Annotated[int, Field(ge=0, le=MAX_ID)] | None,
        Field(description="the last id that was received"),
    ] = None


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
                    "field": ".".join(map(str, details["loc"])),
                    "detail": details["msg"].removeprefix("Value error, "),
                }
                for details in error.errors(include_url=False, include_input=False)
            ]
        ) from None
    return instance


def query_parameters(model: type[M]) -> M:
    """Return the query parameters of the request as this model; unknown names are ignored."""
    return validated(model, request.args.to_dict())
