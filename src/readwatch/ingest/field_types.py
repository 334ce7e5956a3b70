"""The types of the fields that the API accepts, with rules that JSON Schema cannot express."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    Strict,
    TypeAdapter,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from typing_extensions import TypeAliasType

from readwatch.domain.activities import MAX_METADATA_BYTES, canonical_json

MAX_DEPTH = 32
"""The maximum nesting of objects and lists in `metadata`, including `metadata` itself."""

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
    # In JSON, 5.0 is the number 5, and some languages always write it as 5.0.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _without_nul(text: str) -> str:
    # PostgreSQL cannot store NUL, so NUL is refused on both engines.
    if "\0" in text:
        raise ValueError(_INVALID_CHARACTER)
    return text


def _metadata(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object")
    try:
        text = canonical_json(value)
    except ValueError:
        raise ValueError("contains a number that JSON cannot represent") from None
    if len(text.encode()) > MAX_METADATA_BYTES:
        raise ValueError(f"is larger than {MAX_METADATA_BYTES // 1024} KiB")
    if _ESCAPED_NUL.search(text):
        raise ValueError(_INVALID_CHARACTER)
    # Counting brackets is fast; most metadata has too few brackets to be nested too deep.
    if text.count("{") + text.count("[") > MAX_DEPTH and _deeper_than(MAX_DEPTH, value):
        raise ValueError(f"is nested more than {MAX_DEPTH} levels deep")
    return text


def _deeper_than(levels: int, value: object) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return False
    return levels == 0 or any(_deeper_than(levels - 1, item) for item in value)


class DocumentedAs:
    """Describes a value as this type in the OpenAPI document; a validator enforces the type."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(TypeAdapter(self._kind).core_schema)


class _NulValidator(AfterValidator):
    """A validator for text that both engines can store."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(schema) | {"pattern": r"^[^\u0000]*$"}


WithoutNul = _NulValidator(_without_nul)
Text = TypeAliasType("Text", Annotated[str, WithoutNul])
Json = TypeAliasType("Json", "bool | float | Text | list[Json] | dict[Text, Json] | None")
Integer = Annotated[int, Strict()]
WholeFloatAllowed = BeforeValidator(_whole)
Time = Annotated[
    datetime,
    BeforeValidator(_time),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": f"^{_RFC_3339.pattern}$"}),
]
Metadata = Annotated[
    str | None,
    BeforeValidator(_metadata),
    DocumentedAs(dict[Text, Json] | None),
    Field(description="up to 16 KiB as JSON in UTF-8, up to 32 levels deep"),
]
