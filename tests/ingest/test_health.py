"""Whether the service lives."""

from ingest.api import Api


def test_anybody_can_ask_whether_the_service_lives(api: Api) -> None:
    answer = api.get("/livez")
    assert answer.status_code == 200
    assert answer.json == {"status": "ok"}


def test_it_lives_also_while_the_database_cannot_answer(api: Api) -> None:
    api.app.extensions["readwatch"].close()
    assert api.get("/livez").status_code == 200
