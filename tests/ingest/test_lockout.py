"""The lockout: guessing passwords is slow, and known addresses are not locked out by others."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from conftest import PASSWORD, StillClock
from ingest.api import Api, fetch_all, problem

from readwatch.store.engine.connections import Database


def log_in(
    api: Api, password: str, address: str = "10.0.0.1", email: str = "ann@example.org"
) -> tuple[int, str | None]:
    answer = api.post(
        "/api/login",
        {"email": email, "password": password},
        environ_base={"REMOTE_ADDR": address},
    )
    return answer.status_code, answer.headers.get("Retry-After")


def test_after_five_failures_even_the_correct_password_has_to_wait(
    api: Api, clock: StillClock
) -> None:
    assert [log_in(api, "wrong password")[0] for _ in range(6)] == [401] * 5 + [429]
    assert log_in(api, PASSWORD) == (429, "1")
    clock.advance(seconds=1)
    assert log_in(api, PASSWORD)[0] == 200


def test_other_spellings_of_an_e_mail_address_share_its_count(api: Api) -> None:
    spellings = ["Ann@Example.org", "ann@example.org\u200b", "\u2060ann@example.org"] * 2
    guesses = [log_in(api, "wrong password", email=email)[0] for email in spellings]
    assert guesses == [401] * 5 + [429]


def test_concurrent_guesses_are_limited_as_sequential_ones_are(api: Api) -> None:
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda _: log_in(api, "wrong password")[0], range(12)))
    assert Counter(answers) == {401: 5, 429: 7}


def test_a_login_resets_the_count_of_the_account(api: Api, db: Database, clock: StillClock) -> None:
    for _ in range(5):
        log_in(api, "wrong password")
    clock.advance(seconds=1)
    assert log_in(api, PASSWORD)[0] == 200
    assert len(fetch_all(db, "SELECT * FROM failed_logins")) == 1  # that of the address stays
    assert [log_in(api, "wrong password")[0] for _ in range(5)] == [401] * 5


def test_guesses_from_another_address_do_not_lock_ann_out(api: Api) -> None:
    for _ in range(12):
        log_in(api, "wrong password", "203.0.113.7")
    assert log_in(api, PASSWORD) == (200, None)


def test_guesses_from_many_addresses_do_not_lock_ann_out_where_she_logged_in_before(
    api: Api, db: Database
) -> None:
    assert log_in(api, PASSWORD, "10.0.0.1") == (200, None)
    assert log_in(api, PASSWORD, "10.0.0.3") == (200, None)
    for number in range(25):
        log_in(api, "wrong password", f"203.0.113.{number % 5}")

    assert log_in(api, PASSWORD, "10.0.0.2")[0] == 429, "Ann never logged in from there"
    assert log_in(api, PASSWORD, "10.0.0.1") == (200, None)


def test_guesses_from_an_address_do_not_lock_out_accounts_that_logged_in_from_there_before(
    api: Api,
) -> None:
    def guess(number: int) -> int:
        body = {"email": f"nobody{number}@example.org", "password": "wrong password"}
        there = {"REMOTE_ADDR": "10.0.0.1"}
        return api.post("/api/login", body, environ_base=there).status_code

    assert log_in(api, PASSWORD) == (200, None)
    assert [guess(number) for number in range(101)] == [401] * 100 + [429]
    assert log_in(api, PASSWORD) == (200, None)
    assert [log_in(api, "wrong password")[0] for _ in range(6)] == [401] * 5 + [429]


def test_the_addresses_of_an_ipv6_network_are_one_address(api: Api, clock: StillClock) -> None:
    def guess(number: int, network: str = "2001:db8:0:7") -> int:
        return log_in(api, "wrong password", f"{network}::{number:x}")[0]

    assert [guess(number) for number in range(1, 8)] == [401] * 5 + [429] * 2
    assert guess(1, "2001:db8:0:8") == 401, "another network"
    clock.advance(seconds=1)
    assert log_in(api, PASSWORD, "2001:db8:0:7::77")[0] == 200
    assert [guess(number) for number in range(1, 7)] == [401] * 5 + [429]


def test_strangers_do_not_lock_ann_out_of_the_ipv6_network_from_which_she_logged_in(
    api: Api,
) -> None:
    assert log_in(api, PASSWORD, "2001:db8::7") == (200, None)
    for number in range(25):
        log_in(api, "wrong password", f"203.0.113.{number % 5}")
    assert log_in(api, PASSWORD, "2001:db9::7")[0] == 429
    assert log_in(api, PASSWORD, "2001:0DB8:0:0:ffff::1") == (200, None)


def test_an_account_that_does_not_exist_is_locked_in_the_same_way(api: Api) -> None:
    body = {"email": "nobody@example.org", "password": "wrong password"}
    answers = [api.post("/api/login", body) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert "too many failed logins" in problem(answers[-1], 429)["detail"]


def test_failures_are_stored_without_the_e_mail_address(api: Api, db: Database) -> None:
    for _ in range(5):
        log_in(api, "wrong password")
    counts = fetch_all(db, "SELECT subject, failures FROM failed_logins")
    assert sorted(failures for _, failures in counts) == [5, 5, 5]
    assert "ann" not in repr(counts)


def test_failed_logins_of_staff_are_logged_and_so_is_the_lockout(
    api: Api, db: Database, clock: StillClock
) -> None:
    for _ in range(6):
        log_in(api, "wrong password", email="cara@example.org")
    clock.advance(seconds=1)
    assert log_in(api, PASSWORD, email="Cara@example.org")[0] == 200
    log_in(api, "wrong password", email="ann@example.org")

    log = "SELECT consultant_user_id, action_type, action_details, ip_address"
    entries = fetch_all(db, f"{log} FROM consultant_access_log ORDER BY id")
    failed = (3, "failed_login", "api: wrong e-mail or password", "10.0.0.1")
    locked = (3, "locked_out", "api, for 1 s", "10.0.0.1")
    assert entries == [*[failed] * 5, locked, (3, "logged_in", "api", "10.0.0.1")]
