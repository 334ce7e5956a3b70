"""The table of privileges as GRANTs of PostgreSQL: one PostgreSQL role for each `Role`.

All databases of a server share the PostgreSQL roles, so their names begin with the name of the
database. These roles cannot log in: a PostgreSQL login is a member of the roles of its program,
and each connection acts as one of these roles.
"""

from collections.abc import Iterator
from typing import Any

import psycopg

from readwatch.domain.errors import misconfigured, not_found
from readwatch.store.engine.connections import Database, driver_connection
from readwatch.store.engine.locks import Lock, acquire_lock
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
from readwatch.store.engine.statements import Statement

_LONGEST_NAME = 63  # bytes; PostgreSQL cuts off the rest


# What is enforced -------------------------------------------------------------------------------

# A trigger of this function acts as the owner of the function.
_NUMBERING = "number_access_log_entry()"
_OWNERSHIP = Statement(
    """
    SELECT
        current_database() AS database, current_schema() AS schema,
        pg_get_userbyid(relowner) AS owner, rolsuper AS owner_is_superuser
    FROM pg_class JOIN pg_roles ON pg_roles.oid = relowner
    WHERE pg_class.oid = to_regclass('schema_history')
    """
)
_ROLES = Statement(
    f"""
    SELECT
        r.rolname AS name,
        r.rolcanlogin AS is_login,
        r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls
            OR pg_has_role(r.oid, o.oid, 'MEMBER')
            OR has_database_privilege(r.oid, current_database(), 'CREATE')
            OR has_schema_privilege(r.oid, current_schema(), 'CREATE')
            OR has_function_privilege(r.oid, to_regprocedure('{_NUMBERING}'), 'EXECUTE')
            AS does_more,
        has_database_privilege(r.oid, current_database(), 'CONNECT')
            AND has_schema_privilege(r.oid, current_schema(), 'USAGE')
            AND pg_has_role(o.oid, r.oid, {MAY_SET_ROLE}) AS can_be_used,
        has_database_privilege(r.oid, current_database(), 'TEMPORARY') AS makes_temporary
    FROM pg_roles r, pg_roles o WHERE r.rolname = ANY(:names) AND o.rolname = :owner
    """  # noqa: S608 - our own texts
)
_PRIVILEGES = Statement(
    """
    SELECT
        r.rolname AS name, t.relname AS table_name,
        ARRAY(
            SELECT attname::text FROM pg_attribute
            WHERE attrelid = t.oid AND attnum > 0 AND NOT attisdropped
            AND has_column_privilege(r.oid, t.oid, attnum, 'SELECT') ORDER BY attnum
        ) AS read,
        ARRAY(
            SELECT attname::text FROM pg_attribute
            WHERE attrelid = t.oid AND attnum > 0 AND NOT attisdropped
            AND has_column_privilege(r.oid, t.oid, attnum, 'INSERT') ORDER BY attnum
        ) AS append,
        ARRAY(
            SELECT attname::text FROM pg_attribute
            WHERE attrelid = t.oid AND attnum > 0 AND NOT attisdropped
            AND has_column_privilege(r.oid, t.oid, attnum, 'UPDATE') ORDER BY attnum
        ) AS change,
        has_table_privilege(r.oid, t.oid, 'DELETE') AS delete,
        EXISTS (
            SELECT 1 FROM pg_attribute WHERE attrelid = t.oid AND attidentity <> ''
            AND has_sequence_privilege(
                r.oid, pg_get_serial_sequence(quote_ident(t.relname), attname),
                'USAGE, SELECT, UPDATE'
            )
        ) AS sequence,
        has_table_privilege(r.oid, t.oid, 'TRUNCATE, TRIGGER')
            OR has_any_column_privilege(r.oid, t.oid, 'REFERENCES') AS others
    FROM pg_roles r, pg_class t
    WHERE r.rolname = ANY(:names) AND t.relname = ANY(:tables)
    AND t.relnamespace = current_schema()::regnamespace
    """
)
_COLUMNS = Statement(
    """
    SELECT t.relname AS table_name, array_agg(attname::text ORDER BY attnum) AS columns
    FROM pg_class t JOIN pg_attribute ON attrelid = t.oid AND attnum > 0 AND NOT attisdropped
    WHERE t.relname = ANY(:tables) AND t.relnamespace = current_schema()::regnamespace
    GROUP BY t.relname
    """
)

_SEQUENCES = Statement(
    """
    SELECT
        t.relname AS table_name,
        pg_get_serial_sequence(quote_ident(t.relname), attname) AS sequence
    FROM pg_class t JOIN pg_attribute ON attrelid = t.oid AND attidentity <> ''
    WHERE t.relname = ANY(:tables) AND t.relnamespace = current_schema()::regnamespace
    """
)


def role_name(database: str, role: Role) -> str:
    """Return the name of the PostgreSQL role for a `Role`."""
    return f"{database}_{role}"


def unenforced_privileges(db: Database) -> tuple[str, ...]:
    """Return one sentence for each privilege that the engine does not enforce."""
    return tuple(_unenforced_privileges(db))


def _unenforced_privileges(db: Database) -> Iterator[str]:
    ownership = _OWNERSHIP.one_or_none(db)
    if _is_too_long(ownership.database):
        yield f"the name of this database leaves no room for {role_name('…', Role.MAINTENANCE)}"
        return
    names = {role_name(ownership.database, role): role for role in LIMITED_ROLES}
    roles = _ROLES.all(db, names=list(names), owner=ownership.owner)
    for name in names:
        if name not in {role.name for role in roles}:
            yield f"there is no role {name}"
    for role in roles:
        if role.is_login:
            yield f"{role.name} is a login; rename it, as readwatch needs a role of that name"
        if role.does_more:
            yield f"{role.name} may do more than work with tables, as its owner or in the server"
        if not role.can_be_used:
            yield f"{role.name} cannot reach the tables, or {ownership.owner} cannot act as it"
        if role.makes_temporary:
            yield f"{role.name} may make temporary tables, as everybody in this database"
    wrong: dict[str, list[str]] = {}
    columns = _columns(db)
    for row in _PRIVILEGES.all(db, names=list(names), tables=list(TABLES)):
        if not _is_expected(row, names[row.name], columns[row.table_name]):
            wrong.setdefault(row.name, []).append(row.table_name)
    for name, tables in wrong.items():
        yield f"{name} has other privileges than it should on {', '.join(sorted(tables))}"


def _is_too_long(database: str) -> bool:
    return any(len(role_name(database, role).encode()) > _LONGEST_NAME for role in LIMITED_ROLES)


def _is_expected(row: Any, role: Role, columns: list[str]) -> bool:
    """Tell whether a row of `_PRIVILEGES` agrees with the table of privileges."""
    privileges = privileges_on(role, row.table_name)
    return (
        row.read == [column for column in columns if column in privileges.read]
        and row.append == [column for column in columns if column in privileges.append]
        and row.change == [column for column in columns if column in privileges.change]
        and row.delete == privileges.delete
        and row.sequence == (row.table_name in ID_SEQUENCES.get(role, ()))
        and not row.others
    )


def _columns(db: Database) -> dict[str, list[str]]:
    return {row.table_name: row.columns for row in _COLUMNS.all(db, tables=list(TABLES))}


# Bringing them in line --------------------------------------------------------------------------


def enforce(db: Database) -> None:
    """Create the roles and their GRANTs as in the table of privileges, all or nothing.

    Without the necessary privileges nothing changes; `unenforced_privileges` shows the result.
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
    """Return the SQL that creates the roles and the GRANTs, for an administrator of the server.

    The result is empty if the name of a role is too long or is the name of a login.
    """
    ownership = _OWNERSHIP.one_or_none(db)
    database, owner = ownership.database, ownership.owner
    names = {role: role_name(database, role) for role in LIMITED_ROLES}
    roles = _ROLES.all(db, names=list(names.values()), owner=owner)
    if _is_too_long(database) or any(role.is_login for role in roles):
        return ()
    existing = {role.name for role in roles}
    schema, everybody = (
        _quoted(ownership.schema),
        ", ".join(["PUBLIC", *map(_quoted, names.values())]),
    )
    tables = {table: f"{schema}.{_quoted(table)}" for table in TABLES}
    columns = _columns(db)
    sequences = {row.table_name: row.sequence for row in _SEQUENCES.all(db, tables=list(TABLES))}
    done = [f"CREATE ROLE {_quoted(name)}" for name in names.values() if name not in existing]
    if not ownership.owner_is_superuser:
        done += [f"GRANT {_quoted(name)} TO {_quoted(owner)}" for name in names.values()]
    done += [
        f"REVOKE ALL ON {', '.join(tables.values())} FROM {everybody}",
        f"REVOKE ALL ON SEQUENCE {', '.join(sequences.values())} FROM {everybody}",
        f"REVOKE EXECUTE ON FUNCTION {schema}.{_NUMBERING} FROM {everybody}",
        f"REVOKE CREATE ON SCHEMA {schema} FROM {everybody}",
        f"REVOKE CREATE, TEMPORARY ON DATABASE {_quoted(database)} FROM {everybody}",
    ]
    for role, name in names.items():
        granted = {
            f"DATABASE {_quoted(database)}": "CONNECT",
            f"SCHEMA {schema}": "USAGE",
            **{
                tables[table]: ", ".join(_privileges(privileges, columns[table]))
                for table, privileges in PRIVILEGES[role].items()
            },
            **{f"SEQUENCE {sequences[table]}": "USAGE" for table in ID_SEQUENCES.get(role, ())},
        }
        done += [f"GRANT {what} ON {where} TO {_quoted(name)}" for where, what in granted.items()]
    return tuple(done)


def _privileges(privileges: Privileges, columns: list[str]) -> Iterator[str]:
    if privileges.read:
        yield f"SELECT{_list(privileges.read, columns)}"
    if privileges.append:
        yield f"INSERT{_list(privileges.append, columns)}"
    if privileges.change:
        yield f"UPDATE{_list(privileges.change, columns)}"
    if privileges.delete:
        yield "DELETE"


def _list(granted: Columns, columns: list[str]) -> str:
    quoted = [_quoted(column) for column in columns if column in granted]
    return "" if len(quoted) == len(columns) else f" ({', '.join(quoted)})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


# Database users ---------------------------------------------------------------------------------

_LOGIN = Statement("SELECT 1 AS found FROM pg_roles WHERE rolname = :login AND rolcanlogin")


def grant_program(db: Database, *, program: str, login: str) -> None:
    """Let a login of the server act as the roles of a program. Call it in a transaction."""
    database = _OWNERSHIP.one_or_none(db).database
    if login in {role_name(database, role) for role in LIMITED_ROLES}:
        raise misconfigured(
            f"{login} is the name of a role of readwatch, not of a person or a program; "
            "make a login of another name with createuser"
        )
    if _LOGIN.one_or_none(db, login=login) is None:
        raise not_found(f"PostgreSQL has no login {login}; make it with createuser")
    for role in PROGRAMS[program]:
        grant = f"GRANT {_quoted(role_name(database, role))} TO {_quoted(login)}"
        try:
            driver_connection(db).execute(grant)
        except psycopg.errors.UndefinedObject:
            raise misconfigured(
                "this database has no roles for programs; readwatch init makes them"
            ) from None
        except psycopg.errors.InsufficientPrivilege:
            raise misconfigured(
                "the PostgreSQL user of the URL may not grant that; somebody who may runs in psql: "
                + grant
            ) from None
        except psycopg.errors.InvalidGrantOperation:
            raise misconfigured(
                f"{role_name(database, role)} is itself a member of {login}, which readwatch's "
                "roles must not be; name another login"
            ) from None
