"""The table of rights as GRANTs of PostgreSQL: one role of the database for each of the program.

All databases of a server share their roles, so these are named after the database. Nobody logs in
as one: a login is a member of those of its face, and each connection acts as one of them.
"""

from collections.abc import Iterator
from typing import Any

import psycopg

from readwatch.domain.errors import misconfigured, not_found
from readwatch.store.engine.connections import (
    Database,
    Lock,
    Statement,
    acquire_lock,
    driver_connection,
)
from readwatch.store.engine.postgresql import MAY_SET_ROLE
from readwatch.store.engine.privileges import (
    ID_SEQUENCES,
    LIMITED_ROLES,
    PRIVILEGES,
    PROGRAMS,
    TABLES,
    Columns,
    Privileges,
    Role,
    privileges_on,
)

_LONGEST_NAME = 63  # bytes; PostgreSQL cuts off the rest


# What is in force -------------------------------------------------------------------------------

_PLACE = Statement(
    """
    SELECT current_database(), current_schema(), pg_get_userbyid(relowner), rolsuper
    FROM pg_class JOIN pg_roles ON pg_roles.oid = relowner
    WHERE pg_class.oid = to_regclass('schema_history')
    """
)
_FOUND_ROLES = Statement(
    f"""
    SELECT
        r.rolname,
        r.rolcanlogin,
        r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls
            OR pg_has_role(r.oid, o.oid, 'MEMBER')
            OR has_database_privilege(r.oid, current_database(), 'CREATE')
            OR has_schema_privilege(r.oid, current_schema(), 'CREATE'),
        has_database_privilege(r.oid, current_database(), 'CONNECT')
            AND has_schema_privilege(r.oid, current_schema(), 'USAGE')
            AND pg_has_role(o.oid, r.oid, {MAY_SET_ROLE}),
        has_database_privilege(r.oid, current_database(), 'TEMPORARY')
    FROM pg_roles r, pg_roles o WHERE r.rolname = ANY(:names) AND o.rolname = :owner
    """  # noqa: S608 - our own texts
)
_FOUND_RIGHTS = Statement(
    """
    SELECT
        r.rolname, t.relname,
        ARRAY(
            SELECT attname::text FROM pg_attribute
            WHERE attrelid = t.oid AND attnum > 0 AND NOT attisdropped
            AND has_column_privilege(r.oid, t.oid, attnum, 'SELECT') ORDER BY attnum
        ),
        has_any_column_privilege(r.oid, t.oid, 'INSERT'),
        ARRAY(
            SELECT attname::text FROM pg_attribute
            WHERE attrelid = t.oid AND attnum > 0 AND NOT attisdropped
            AND has_column_privilege(r.oid, t.oid, attnum, 'UPDATE') ORDER BY attnum
        ),
        has_table_privilege(r.oid, t.oid, 'DELETE'),
        EXISTS (
            SELECT 1 FROM pg_attribute WHERE attrelid = t.oid AND attidentity <> ''
            AND has_sequence_privilege(
                r.oid, pg_get_serial_sequence(quote_ident(t.relname), attname), 'USAGE, UPDATE'
            )
        ),
        has_table_privilege(r.oid, t.oid, 'TRUNCATE, TRIGGER')
            OR has_any_column_privilege(r.oid, t.oid, 'REFERENCES')
    FROM pg_roles r, pg_class t
    WHERE r.rolname = ANY(:names) AND t.relname = ANY(:tables)
    AND t.relnamespace = current_schema()::regnamespace
    """
)
_COLUMNS = Statement(
    """
    SELECT t.relname, array_agg(attname::text ORDER BY attnum)
    FROM pg_class t JOIN pg_attribute ON attrelid = t.oid AND attnum > 0 AND NOT attisdropped
    WHERE t.relname = ANY(:tables) AND t.relnamespace = current_schema()::regnamespace
    GROUP BY t.relname
    """
)

_SEQUENCES = Statement(
    """
    SELECT t.relname, pg_get_serial_sequence(quote_ident(t.relname), attname)
    FROM pg_class t JOIN pg_attribute ON attrelid = t.oid AND attidentity <> ''
    WHERE t.relname = ANY(:tables) AND t.relnamespace = current_schema()::regnamespace
    """
)


def role_name(database: str, role: Role) -> str:
    """Return the name that a role has in the server."""
    return f"{database}_{role}"


def unenforced_privileges(db: Database) -> tuple[str, ...]:
    """Return, as sentences, what the engine does not enforce of the rights; none if it does all."""
    return tuple(_unenforced_privileges(db))


def _unenforced_privileges(db: Database) -> Iterator[str]:
    database, _, owner, _ = _place(db)
    if _is_too_long(database):
        yield f"the name of this database leaves no room for {role_name('…', Role.MAINTENANCE)}"
        return
    names = {role_name(database, role): role for role in LIMITED_ROLES}
    found = {row[0]: row[1:] for row in _FOUND_ROLES(db, names=list(names), owner=owner)}
    for name in names:
        if name not in found:
            yield f"there is no role {name}"
    for name, (is_login, does_more, can_be_used, makes_temporary) in found.items():
        if is_login:
            yield f"{name} is a login, which is none of the roles that readwatch makes: rename it"
        if does_more:
            yield f"{name} may do more than is done with tables, as its owner or in the server"
        if not can_be_used:
            yield f"{name} cannot reach the tables, or {owner} cannot act as it"
        if makes_temporary:
            yield f"{name} may make temporary tables, as everybody in this database"
    wrong: dict[str, list[str]] = {}
    columns = _columns(db)
    for name, table, *may in _FOUND_RIGHTS(db, names=list(names), tables=list(TABLES)):
        if may != _wanted(names[name], table, columns[table]):
            wrong.setdefault(name, []).append(table)
    for name, tables in wrong.items():
        yield f"{name} has other rights than it should to {', '.join(sorted(tables))}"


def _place(db: Database) -> tuple[str, str, str, bool]:
    """Return the database, the schema, who owns the tables, and whether that is a superuser."""
    database, schema, owner, is_superuser = _PLACE(db).fetchone()
    return database, schema, owner, is_superuser


def _is_too_long(database: str) -> bool:
    return any(len(role_name(database, role).encode()) > _LONGEST_NAME for role in LIMITED_ROLES)


def _wanted(role: Role, table: str, columns: list[str]) -> list[Any]:
    """Return a row as `_FOUND_RIGHTS` has to give it."""
    on = privileges_on(role, table)
    read, change = (
        [column for column in columns if column in some] for some in (on.read, on.change)
    )
    return [read, on.append, change, on.delete, table in ID_SEQUENCES.get(role, ()), False]


def _columns(db: Database) -> dict[str, list[str]]:
    return dict(_COLUMNS(db, tables=list(TABLES)))


# Bringing them in line --------------------------------------------------------------------------


def enforce(db: Database) -> None:
    """Make the roles and their GRANTs as the table says, all or nothing; what is right stays.

    A user of the connection who may not do that changes nothing: see `unenforced_privileges`.
    """
    try:
        with db.atomic():
            acquire_lock(db, Lock.SCHEMA)
            if unenforced_privileges(db):
                for statement in grant_statements(db):
                    driver_connection(db).execute(statement)
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidGrantor):
        pass


def grant_statements(db: Database) -> tuple[str, ...]:
    """Return the SQL that brings the GRANTs in line, for an administrator of the server.

    Nothing, where the names of the roles are too long or somebody's who logs in.
    """
    database, schema, owner, owner_is_superuser = _place(db)
    names = {role: role_name(database, role) for role in LIMITED_ROLES}
    found = {row[0]: row[1] for row in _FOUND_ROLES(db, names=list(names.values()), owner=owner)}
    if _is_too_long(database) or any(found.values()):
        return ()
    place, everybody = _quoted(schema), ", ".join(["PUBLIC", *map(_quoted, names.values())])
    tables = {table: f"{place}.{_quoted(table)}" for table in TABLES}
    columns, sequences = _columns(db), dict(_SEQUENCES(db, tables=list(TABLES)))
    done = [f"CREATE ROLE {_quoted(name)}" for name in names.values() if name not in found]
    if not owner_is_superuser:
        done += [f"GRANT {_quoted(name)} TO {_quoted(owner)}" for name in names.values()]
    done += [
        f"REVOKE ALL ON {', '.join(tables.values())} FROM {everybody}",
        f"REVOKE ALL ON SEQUENCE {', '.join(sequences.values())} FROM {everybody}",
        f"REVOKE CREATE ON SCHEMA {place} FROM {everybody}",
        f"REVOKE CREATE, TEMPORARY ON DATABASE {_quoted(database)} FROM {everybody}",
    ]
    for role, name in names.items():
        granted = {
            f"DATABASE {_quoted(database)}": "CONNECT",
            f"SCHEMA {place}": "USAGE",
            **{
                tables[table]: ", ".join(_privileges(on, columns[table]))
                for table, on in PRIVILEGES[role].items()
            },
            **{f"SEQUENCE {sequences[table]}": "USAGE" for table in ID_SEQUENCES.get(role, ())},
        }
        done += [f"GRANT {what} ON {where} TO {_quoted(name)}" for where, what in granted.items()]
    return tuple(done)


def _privileges(on: Privileges, columns: list[str]) -> Iterator[str]:
    if on.read:
        yield f"SELECT{_list(on.read, columns)}"
    if on.append:
        yield "INSERT"
    if on.change:
        yield f"UPDATE{_list(on.change, columns)}"
    if on.delete:
        yield "DELETE"


def _list(granted: Columns, columns: list[str]) -> str:
    some = [_quoted(column) for column in columns if column in granted]
    return "" if len(some) == len(columns) else f" ({', '.join(some)})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


# Logins -----------------------------------------------------------------------------------------

_LOGIN = Statement("SELECT 1 FROM pg_roles WHERE rolname = :login AND rolcanlogin")


def grant_program(db: Database, face: str, login: str) -> None:
    """Let a login of the server act as the roles of a face. Call it in a transaction."""
    database = _place(db)[0]
    if _LOGIN(db, login=login).fetchone() is None:
        raise not_found(f"PostgreSQL has no login {login}; make it with createuser")
    for role in PROGRAMS[face]:
        grant = f"GRANT {_quoted(role_name(database, role))} TO {_quoted(login)}"
        try:
            driver_connection(db).execute(grant)
        except psycopg.errors.UndefinedObject:
            raise misconfigured(
                "this database has no roles for its faces; readwatch init makes them"
            ) from None
        except psycopg.errors.InsufficientPrivilege:
            raise misconfigured(
                f"the PostgreSQL user of the URL may not do that; who may calls in psql: {grant}"
            ) from None
