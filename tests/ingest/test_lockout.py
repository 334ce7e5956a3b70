"""Guessing a password at the service is slow; who knows it gets in."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from conftest import PASSWORD, StillClock
from ingest.api import Api, problem, rows

from readwatch.store.engine.connections import Database


def try_in(
    api: Api, password: str, address: str = "10.0.0.1", email: str = "ann@example.org"
) -> tuple[int, str | None]:
    answer = api.post(
        "/api/login",
        {"email": email, "password": password},
        environ_base={"REMOTE_ADDR": address},
    )
    return answer.status_code, answer.headers.get("Retry-After")


def test_after_some_failures_one_has_to_wait_even_with_the_right_password(
    api: Api, clock: StillClock
) -> None:
    assert [try_in(api, "wrong password")[0] for _ in range(6)] == [401] * 5 + [429]
    assert try_in(api, PASSWORD) == (429, "1")
    clock.advance(seconds=1)
    assert try_in(api, PASSWORD)[0] == 200


def test_another_spelling_of_the_same_account_is_counted_with_it(api: Api) -> None:
    spellings = ["Ann@Example.org", "ann@example.org\u200b", "\u2060ann@example.org"] * 2
    guesses = [try_in(api, "wrong password", email=email)[0] for email in spellings]
    assert guesses == [401] * 5 + [429]


def test_guesses_at_the_same_moment_are_no_more_than_one_after_the_other(api: Api) -> None:
    with ThreadPoolExecutor(12) as people:
        answers = list(people.map(lambda _: try_in(api, "wrong password")[0], range(12)))
    assert Counter(answers) == {401: 5, 429: 7}


def test_who_gets_in_starts_anew(api: Api, db: Database, clock: StillClock) -> None:
    for _ in range(5):
        try_in(api, "wrong password")
    clock.advance(seconds=1)
    assert try_in(api, PASSWORD)[0] == 200
    assert len(rows(db, "SELECT * FROM failed_logins")) == 1  # the address
    assert [try_in(api, "wrong password")[0] for _ in range(5)] == [401] * 5


def test_guesses_from_elsewhere_do_not_lock_ann_out(api: Api) -> None:
    for _ in range(12):
        try_in(api, "wrong password", "203.0.113.7")
    assert try_in(api, PASSWORD) == (200, None)


def test_a_stranger_with_many_addresses_does_not_lock_ann_out_where_she_was_before(
    api: Api, db: Database
) -> None:
    assert try_in(api, PASSWORD, "10.0.0.1") == (200, None)
    assert try_in(api, PASSWORD, "10.0.0.3") == (200, None)
    for number in range(25):
        try_in(api, "wrong password", f"203.0.113.{number % 5}")

    assert try_in(api, PASSWORD, "10.0.0.2")[0] == 429, "she was never there"
    assert try_in(api, PASSWORD, "10.0.0.1") == (200, None)


def test_a_stranger_at_the_same_address_does_not_lock_out_those_who_were_there_before(
    api: Api,
) -> None:
    def guess(number: int) -> int:
        body = {"email": f"nobody{number}@example.org", "password": "wrong password"}
        there = {"REMOTE_ADDR": "10.0.0.1"}
        return api.post("/api/login", body, environ_base=there).status_code

    assert try_in(api, PASSWORD) == (200, None)
    assert [guess(number) for number in range(101)] == [401] * 100 + [429]
    assert try_in(api, PASSWORD) == (200, None)
    assert [try_in(api, "wrong password")[0] for _ in range(6)] == [401] * 5 + [429]


def test_an_account_that_there_is_not_is_treated_alike(api: Api) -> None:
    body = {"email": "nobody@example.org", "password": "wrong password"}
    answers = [api.post("/api/login", body) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert "too many failed logins" in problem(answers[-1], 429)["detail"]


def test_it_is_remembered_across_a_restart(api: Api, db: Database) -> None:
    for _ in range(5):
        try_in(api, "wrong password")
    kept = rows(db, "SELECT subject, failures FROM failed_logins")
    assert sorted(failures for _, failures in kept) == [5, 5, 5]
    assert "ann" not in repr(kept)


def test_what_fails_with_an_account_of_staff_is_on_record_and_so_is_its_lock(
    api: Api, db: Database, clock: StillClock
) -> None:
    for _ in range(6):
        try_in(api, "wrong password", email="cara@example.org")
    clock.advance(seconds=1)
    assert try_in(api, PASSWORD, email="Cara@example.org")[0] == 200
    try_in(api, "wrong password", email="ann@example.org")

    log = "SELECT consultant_user_id, action_type, action_details, ip_address"
    found = rows(db, f"{log} FROM consultant_access_log ORDER BY id")
    failed = (3, "failed_login", "api: wrong e-mail or password", "10.0.0.1")
    locked = (3, "locked_out", "api, for 1 s", "10.0.0.1")
    assert found == [*[failed] * 5, locked, (3, "logged_in", "api", "10.0.0.1")]
