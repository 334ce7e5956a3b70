"""Filters as SQL: the terms of a filter become a condition with bound parameters.

Text typed by a user is never part of the SQL, which contains only the expressions of the list.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from datetime import datetime, timedelta

from readwatch.domain.errors import invalid
from readwatch.domain.filters import Comparison, Term, duration_of, full_names, number_of
from readwatch.domain.matching import MARKS, anywhere, from_the_start, letters_of, whole
from readwatch.domain.presence import Presence
from readwatch.store.audit.scope import Scope
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.times import to_db_time
from readwatch.store.lists.presence_sql import RANKS, presence_parameters, presence_rank

# The kinds of fields; `sql` is an expression of a list, whose value may be NULL.


@dataclass(frozen=True, slots=True)
class TextField:
    """A name or a title: `content_title:drcl` matches `Dracula`, `title=dracula` nothing else."""

    sql: str


@dataclass(frozen=True, slots=True)
class WordField:
    """One of a few words, matched by its beginning: `activity_type:quiz`."""

    sql: str


@dataclass(frozen=True, slots=True)
class NumberField:
    """A number: `total_sessions<20`; `total_sessions:20` matches that number."""

    sql: str


@dataclass(frozen=True, slots=True)
class DurationField:
    """A duration, stored in seconds: `duration_seconds>5m`."""

    sql: str


@dataclass(frozen=True, slots=True)
class AgeField:
    """A time, compared by its age: `last_login>7d`; NULL is older than all times."""

    sql: str


@dataclass(frozen=True, slots=True)
class PresenceField:
    """The presence, matched by its beginning: `presence:silent`; `last_heartbeat` is SQL."""

    last_heartbeat: str


@dataclass(frozen=True, slots=True)
class GroupField:
    """The groups of the reader with the id `reader_id`, matched by the beginning of a name:
    `group:4b`. A consultant of groups knows only these."""

    reader_id: str


Field = TextField | WordField | NumberField | DurationField | AgeField | PresenceField | GroupField


@dataclass(frozen=True, slots=True)
class FilterableFields:
    """The fields of a list by name, and the expressions that are searched without a field name.

    `reader_id` is the expression for the reader of a row, None for a list that limits its rows to
    the user's scope itself.
    """

    by_name: Mapping[str, Field]
    words: Sequence[str]
    reader_id: str | None = "u.id"

    def named(self, term: Term) -> Field:
        """Return the field that a term names, in full or by a part that only one name has."""
        names = full_names(term.field or "", self.by_name)
        match names:
            case [name]:
                return self.by_name[name]
            case []:
                raise invalid(
                    f"{term}: unknown field; use one of {', '.join(self.by_name)}, "
                    "or put a word with a colon or = in quotes"
                )
        raise invalid(f"{term}: {term.field} can be {' or '.join(names)}")

    def by_short_name(self) -> dict[str, Field]:
        """Return the fields by their short names: each word that only one field name has."""
        words = {word for name in self.by_name for word in name.split("_")}
        names = {word: full_names(word, self.by_name) for word in sorted(words)}
        return {
            word: self.by_name[matching[0]]
            for word, matching in names.items()
            if len(matching) == 1
        }

    def without(self, name: str) -> "FilterableFields":
        """Return the fields without this one, which words without a field do not search either."""
        by_name = {other: field for other, field in self.by_name.items() if other != name}
        match self.by_name.get(name):
            case TextField(sql) | WordField(sql):
                words = [word for word in self.words if word != sql]
                return replace(self, by_name=by_name, words=words)
        return replace(self, by_name=by_name)


@dataclass(frozen=True, slots=True)
class Condition:
    """An SQL condition that is never NULL, and the values of its parameters."""

    sql: str
    values: Mapping[str, object]


def condition(
    db: Database, scope: Scope, terms: Iterable[Term], fields: FilterableFields, now: datetime
) -> Condition:
    """Return the condition that the reader is in the scope and all terms match.

    The values are named `:filter_0` and so on, and those of a presence and of a scope as in
    `presence_parameters` and `Scope.values`. A term that does not fit the list's fields is an
    `invalid` error whose message names the fix.
    """
    composer = _Composer(db, scope, now)
    conditions = [composer.term(term, fields) for term in terms]
    if fields.reader_id is not None:
        conditions.append(scope.contains(fields.reader_id))
    return Condition(" AND ".join(conditions) or "TRUE", {**composer.values, **scope.values})


@dataclass(slots=True)
class _Composer:
    """Composes one condition and collects its values."""

    db: Database
    scope: Scope
    now: datetime
    values: dict[str, object] = dataclass_field(default_factory=dict)

    def term(self, term: Term, fields: FilterableFields) -> str:
        if term.field is None:
            search = self._search(anywhere, term.value)
            sql = " OR ".join(map(search, fields.words))
        else:
            sql = self._compared(term, fields.named(term))
        return f"NOT ({sql})" if term.negated else f"({sql})"

    def _compared(self, term: Term, field: Field) -> str:
        compares_words = isinstance(field, TextField | WordField | PresenceField | GroupField)
        is_equal = term.comparison in {Comparison.IS, Comparison.EQUAL}
        if compares_words and not is_equal:
            raise invalid(f"{term} compares words; write {term.field}:{term.value}")
        if isinstance(field, DurationField | AgeField) and is_equal:
            raise invalid(f"{term} needs < or >, for example {term.field}>10m")
        match field:
            case TextField(sql):
                return self._search(_pattern(term, anywhere), term.value)(sql)
            case WordField(sql):
                return self._search(_pattern(term, from_the_start), term.value)(sql)
            case NumberField(sql):
                number = self._value(number_of(term))
                return f"coalesce({sql} {_SIGNS[term.comparison]} {number}, FALSE)"
            case DurationField(sql):
                seconds = self._value(duration_of(term).total_seconds())
                return f"coalesce({sql} {term.comparison} {seconds}, FALSE)"
            case AgeField(sql):
                then = self._ago(duration_of(term))
                sign, never = _AGE_SIGNS[term.comparison]
                return f"coalesce({sql} {sign} {then}, {never})"
            case PresenceField(last_heartbeat):
                self.values |= presence_parameters(self.now)
                return f"{presence_rank(last_heartbeat)} IN ({_ranks(term)})"
            case GroupField(reader_id):
                matches = self._search(_pattern(term, from_the_start), term.value)("g.name")
                of_groups = f"{_READERS_OF_GROUPS} AND {self.scope.knows('g.id')}"
                return f"{reader_id} IN ({of_groups} AND {matches})"

    def _search(self, pattern_of: Callable[[str], str], word: str) -> Callable[[str], str]:
        """Return a function that maps an expression to the condition that it contains the word."""
        pattern = self._value(pattern_of(word))
        if not is_sqlite(self.db):
            return lambda sql: _postgresql_search(sql, pattern)
        # LIKE runs first: a Python function takes ten times as long. LIKE ignores case for ASCII
        # only, so all other text is searched with the function.
        like = self._value(f"%{'%'.join(letters_of(word).replace(' ', '_'))}%")
        return lambda sql: (
            f"(octet_length({sql}) > length({sql}) OR {sql} LIKE {like})"
            f" AND matches({pattern}, {sql})"
        )

    def _ago(self, duration: timedelta) -> str:
        return self._value(to_db_time(self.now - duration))

    def _value(self, value: object) -> str:
        name = f"filter_{len(self.values)}"
        self.values[name] = value
        return f":{name}"


def _pattern(term: Term, usual: Callable[[str], str]) -> Callable[[str], str]:
    """Return the function that makes the pattern of a term."""
    return whole if term.comparison is Comparison.EQUAL else usual


def _postgresql_search(sql: str, pattern: str) -> str:
    """Return `matching.matches` in SQL; ASCII text needs no replacements."""
    text = f'({sql}) COLLATE "C"'
    plain = f"regexp_replace(normalize({text}, NFKD), '{MARKS}', '', 'g')"
    is_ascii = f"octet_length({text}) = length({text})"
    return f"coalesce(CASE WHEN {is_ascii} THEN {text} ELSE {plain} END ~ {pattern}, FALSE)"


_READERS_OF_GROUPS = """
    SELECT m.user_id FROM reader_groups g JOIN reader_group_members m ON m.group_id = g.id
    WHERE g.deleted_at IS NULL
"""

_SIGNS = {comparison: comparison.value for comparison in Comparison} | {Comparison.IS: "="}

# A longer time ago is an earlier time; the second value is the result for NULL.
_AGE_SIGNS = {
    Comparison.LESS: (">", "FALSE"),
    Comparison.AT_MOST: (">=", "FALSE"),
    Comparison.MORE: ("<", "TRUE"),
    Comparison.AT_LEAST: ("<=", "TRUE"),
}


def _ranks(term: Term) -> str:
    begins = term.value.casefold()
    is_equal = term.comparison is Comparison.EQUAL
    ranks = [
        str(rank)
        for presence, rank in RANKS.items()
        if presence == begins or (not is_equal and presence.startswith(begins))
    ]
    if not ranks:
        raise invalid(f"{term}: unknown presence; use one of {', '.join(Presence)}")
    return ", ".join(ranks)
