"""The OpenAPI document covers every route and may be cached."""

from ingest.api import Api

from readwatch.ingest.openapi import Documentation


def test_every_route_is_documented(api: Api) -> None:
    views = api.app.view_functions.values()
    assert [view.__name__ for view in views if not view.__doc__] == []
    assert [
        view.__name__
        for view in views
        if not isinstance(vars(view).get("documentation"), Documentation)
    ] == []


def test_a_cached_document_is_not_sent_again(api: Api) -> None:
    first = api.get("/api/openapi.json")
    again = api.get("/api/openapi.json", headers={"If-None-Match": first.headers["ETag"]})

    assert (first.status_code, first.get_json()["openapi"]) == (200, "3.1.0")
    assert first.cache_control.max_age == 300
    assert (again.status_code, again.data) == (304, b"")
