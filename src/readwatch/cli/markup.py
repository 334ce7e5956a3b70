"""HTML and SVG text in which every value is escaped."""

from collections.abc import Iterable
from html import escape
from string import Formatter
from typing import Any


class Markup(str):
    """Text that is HTML already: `fill` does not escape it again."""

    __slots__ = ()


class _Template(Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        return str(value) if isinstance(value, Markup) else escape(format(value, format_spec))


_template = _Template()


def fill(template: str, /, **values: object) -> Markup:
    """Return a template with its values; all except `Markup` are escaped.

    Braces of the template itself are doubled, as for `str.format`.
    """
    return Markup(_template.vformat(template, (), values))


def joined(parts: Iterable[Markup]) -> Markup:
    """Return several parts as one."""
    return Markup("".join(parts))
