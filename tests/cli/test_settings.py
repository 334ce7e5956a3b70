"""Settings: the option wins over the environment, the environment over the TOML file."""

import json
from pathlib import Path

import click
import pytest
from cli.shell import ADMIN_PASSWORD, Shell, log, parsed
from conftest import Cast

from readwatch.cli.main import readwatch
from readwatch.cli.settings import all_settings, default_config, default_database
from readwatch.store.engine.connections import Database


@pytest.fixture
def engine() -> str:
    """Nothing here depends on the engine."""
    return "sqlite"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def hash_cost(db: Database) -> str:
    """Return the cost of the last password hash."""
    ((password_hash,),) = db.execute_sql("SELECT password_hash FROM users ORDER BY id DESC LIMIT 1")
    return str(password_hash).split("$")[2]


def test_the_option_wins_over_the_environment_and_that_over_the_file(
    monkeypatch: pytest.MonkeyPatch, config: Path
) -> None:
    def port(*arguments: str) -> object:
        return parsed("--config", str(config), "serve", *arguments)["port"]

    config.write_text("")
    assert port() == 8765
    config.write_text("port = 1003")
    assert port() == 1003
    monkeypatch.setenv("READWATCH_PORT", "1002")
    assert port() == 1002
    assert port("--port", "1001") == 1001


def test_the_database_is_found_in_the_same_order(
    monkeypatch: pytest.MonkeyPatch, config: Path
) -> None:
    def database(*arguments: str) -> object:
        return parsed("--config", str(config), *arguments, "serve")["database"]

    config.write_text("")
    assert database() == default_database()
    config.write_text('database = "sqlite:///of-the-file"')
    assert database() == "sqlite:///of-the-file"
    monkeypatch.setenv("READWATCH_DATABASE", "sqlite:///of-the-environment")
    assert database() == "sqlite:///of-the-environment"
    assert database("--database", "sqlite:///of-the-option") == "sqlite:///of-the-option"


def test_a_setting_reaches_each_command_that_has_it(
    new_shell: Shell, config: Path, request: pytest.FixtureRequest
) -> None:
    config.write_text(f'database = "{new_shell.url}"\nbcrypt_cost = 5\nadmin = "d@example.org"')
    use = ("--config", str(config))
    admin = ("--admin-email", "d@example.org", "--admin-name", "Dora", "--password-stdin")

    assert new_shell.bare(*use, "init", *admin, stdin=ADMIN_PASSWORD).code == 0
    db: Database = request.getfixturevalue("made")
    assert hash_cost(db) == "05"
    add = ("user", "add", "--role", "admin", "--name", "Eve", "--password-stdin")
    assert new_shell.bare(*use, *add, "e@example.org", stdin=ADMIN_PASSWORD).code == 0
    assert hash_cost(db) == "05"
    assert new_shell.bare(*use, *add, "f@example.org", stdin=ADMIN_PASSWORD).code == 0, (
        "there are two admins, and the file says who acts"
    )


def test_the_file_of_this_user_is_read_when_none_is_named(
    monkeypatch: pytest.MonkeyPatch, config: Path
) -> None:
    default_config().parent.mkdir(parents=True)
    default_config().write_text('host = "::1"\nport = 1003\n')
    default = parsed("serve")
    config.write_text("port = 1004")
    monkeypatch.setenv("READWATCH_CONFIG", str(config))
    from_environment = parsed("serve")

    assert (default["host"], default["port"]) == ("::1", 1003)
    assert (from_environment["host"], from_environment["port"]) == ("127.0.0.1", 1004)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "shoe_size = 1",
            "there is no setting 'shoe_size'; settings: access_log_copies, admin",
        ),
        ("config = 'other.toml'", "there is no setting 'config'; settings: "),
        ("databse = 'x'", "there is no setting 'databse'; did you mean 'database'?"),
        ("prot = 1", "there is no setting 'prot'; did you mean 'port'?"),
        ("bcrypt-cost = 4", "there is no setting 'bcrypt-cost'; did you mean 'bcrypt_cost'?"),
        ("[serve]\nport = 1", "there is no table [serve]; write its settings at the top"),
        ("as = 'dora@example.org'", "there is no setting 'as'; settings: "),
        ("port = 1\nport = 2", "is not TOML: "),
        ("port = ", "is not TOML: "),
        ("port: 1", "is not TOML: "),
        ("port = true", "port must be a whole number"),
        ("port = 8765.5", "port must be a whole number"),
        ("bell = 1", "bell must be true or false"),
        ("refresh = true", "refresh must be a number"),
        ("port = [1]", "port must be a whole number"),
        ("port = 65536", "port: 65536 is not a whole number from 0 to 65535"),
        ("port = 'abc'", "port: 'abc' is not a whole number from 0 to 65535"),
        ("refresh = 0", "refresh: 0 is not a number from 0.2 to 60"),
        ("theme = 'pink'", "theme: 'pink' is not one of"),
        ("theme = 1", "theme must be text"),
        ("database = {url = 'x'}", "database must be text"),
        ("keys = 'x'", "[keys] must be a table of texts"),
        ("[keys]\nhelp = 1", "[keys] must be a table of texts"),
        ("database = 5", "database must be text"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_with_its_name(
    shell: Shell, config: Path, text: str, complaint: str
) -> None:
    config.write_text(text)
    line = shell.bare("--config", str(config), "user", "list").complaint
    assert complaint in line
    assert str(config) in line
    assert "READWATCH_" not in line


def test_a_file_that_is_not_text_is_refused(shell: Shell, config: Path) -> None:
    config.write_bytes(b"port = 1 # \xff")
    line = shell.bare("--config", str(config), "serve").complaint
    assert line == f"the settings file {config} is not text in UTF-8"
    config.unlink()
    config.mkdir()
    line = shell.bare("--config", str(config), "serve").complaint
    assert line == f"the settings file {config} cannot be read: Is a directory"


def test_a_file_that_was_asked_for_has_to_be_there(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, config: Path
) -> None:
    complaint = f"there is no settings file at {config}"
    assert shell.bare("--config", str(config), "user", "list").complaint == complaint
    monkeypatch.setenv("READWATCH_CONFIG", str(config))
    assert shell.bare("user", "list").complaint == complaint


@pytest.mark.parametrize("value", ["65536", "-1", "http", "87.65", "8765 8766"])
def test_a_value_out_of_range_is_refused_with_the_setting_named(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    by_option = shell.bare("serve", f"--port={value}")
    monkeypatch.setenv("READWATCH_PORT", value)
    by_environment = shell.bare("serve")

    for ended in (by_option, by_environment):
        assert (ended.code, ended.out) == (2, "")
        assert "--port" in ended.err
        assert f"{value!r} is not a whole number from 0 to 65535" in ended.err


def test_each_setting_is_named_alike_in_all_three_places() -> None:
    context = click.Context(readwatch)
    names = []

    def walk(command: click.Command) -> None:
        for parameter in command.params:
            if isinstance(parameter, click.Option) and parameter.envvar:
                assert parameter.envvar == f"READWATCH_{str(parameter.name).upper()}"
                assert parameter.show_envvar, "the help names the variable"
                names.append(parameter.name)
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                below = command.get_command(context, name)
                assert below
                walk(below)

    walk(readwatch)
    assert set(names) == all_settings(readwatch, context).keys()
    assert {"database", "config", "host", "port", "bcrypt_cost", "admin", "email"} <= set(names)


def test_a_file_has_booleans_and_numbers_as_toml_writes_them(
    monkeypatch: pytest.MonkeyPatch, config: Path
) -> None:
    monkeypatch.setenv("READWATCH_CONFIG", str(config))
    config.write_text("bell = true\nmask = false\nrefresh = 0.5\nport = 1003\n")
    console = parsed("console")
    assert (console["bell"], console["mask"], console["refresh"]) == (True, False, 0.5)
    assert parsed("serve")["port"] == 1003


def test_an_empty_variable_is_the_same_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    without = parsed("serve")
    for name in ("DATABASE", "CONFIG", "PORT", "HOST"):
        monkeypatch.setenv(f"READWATCH_{name}", "")
    assert parsed("serve") == without
    assert without["database"] == default_database()


def test_settings_of_other_commands_do_not_reach_a_command(config: Path) -> None:
    config.write_text('email = "cara@example.org"\nadmin = "d@example.org"\nport = 1003')
    options = parsed("--config", str(config), "serve")
    assert options["port"] == 1003
    assert options.keys() & {"email", "admin"} == set()


@pytest.mark.parametrize(
    "words",
    [
        ("user", "erase", "--yes"),
        ("user", "delete", "--yes"),
        ("user", "suspend"),
        ("session", "revoke"),
    ],
)
def test_no_setting_takes_the_place_of_a_missing_argument(
    shell: Shell, config: Path, db: Database, cast: Cast, words: tuple[str, ...]
) -> None:
    everything = db.execute_sql("SELECT * FROM users ORDER BY id").fetchall()
    config.write_text(f'email = "{cast.ann.email}"')
    ended = shell("--config", str(config), *words)

    assert (ended.code, ended.out) == (2, "")
    assert "EMAIL" in ended.err
    assert db.execute_sql("SELECT * FROM users ORDER BY id").fetchall() == everything
    assert log(db) == []


def test_a_setting_does_not_limit_a_list_by_an_option_of_the_same_name(
    shell: Shell, config: Path, cast: Cast
) -> None:
    config.write_text(f'email = "{cast.ann.email}"')
    ended = shell("--config", str(config), "session", "list")
    assert "reader" in ended.out.split("\n")[0], "the list of all readers names them"


def test_keys_of_the_console_are_a_table_of_the_file(config: Path) -> None:
    config.write_text('email = "cara@example.org"\n[keys]\nfilter = "f"\n')
    options = parsed("--config", str(config), "console")
    assert (options["email"], options["keys"]) == ("cara@example.org", {"filter": "f"})


# Names that are almost a setting ----------------------------------------------------------------


def test_a_misspelt_variable_is_reported_and_others_with_its_prefix_are_not(
    shell: Shell, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("READWATCH_DATBASE", "sqlite:///other.db")
    monkeypatch.setenv("READWATCH_ADMINS", "dora@example.org")
    monkeypatch.setenv("READWATCH_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("READWATCH_PORT", "1003")
    ended = shell("user", "list")
    assert ended.code == 0
    assert ended.err.splitlines() == [
        "readwatch: READWATCH_ADMINS is not a setting; did you mean READWATCH_ADMIN?",
        "readwatch: READWATCH_DATBASE is not a setting; did you mean READWATCH_DATABASE?",
    ]


# readwatch settings -----------------------------------------------------------------------------


def test_settings_are_listed_with_their_values_and_sources(
    shell: Shell, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text('port = 1003\nbell = true\n[keys]\nfilter = "f"\n')
    monkeypatch.setenv("READWATCH_REFRESH", "2")
    monkeypatch.setenv("READWATCH_CONFIG", str(config))
    url = "postgresql://ann:secret@localhost/rw?password=secret&sslpassword=secret"
    ended = shell.bare("--database", url, "settings", "--json")

    assert (ended.code, ended.err) == (0, "")
    sources = {row.pop("setting"): row for row in json.loads(ended.out)}
    assert sources.keys() == all_settings(readwatch, click.Context(readwatch)).keys() | {
        "keys.filter"
    }
    assert {name: sources[name] for name in ("port", "bell", "refresh", "mask", "admin")} == {
        "port": {"value": 1003, "source": str(config)},
        "bell": {"value": True, "source": str(config)},
        "refresh": {"value": 2.0, "source": "READWATCH_REFRESH"},
        "mask": {"value": False, "source": "default"},
        "admin": {"value": None, "source": "default"},
    }
    assert sources["config"] == {"value": str(config), "source": "READWATCH_CONFIG"}
    assert sources["keys.filter"] == {"value": "f", "source": str(config)}
    assert sources["database"]["source"] == "--database"
    assert "secret" not in ended.out


def test_settings_are_listed_for_people_too(shell: Shell) -> None:
    lines = [line.split() for line in shell.bare("settings").out.splitlines()]
    assert lines[0] == ["setting", "value", "source"]
    assert ["port", "8765", "default"] in lines
    assert ["database", default_database(), "default"] in lines
