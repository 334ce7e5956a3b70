"""The OpenAPI document covers every route and may be cached."""

from typing import Any

from conftest import PASSWORD, Cast
from ingest.api import Api, ApiClient

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


Json = dict[str, Any]


def operations(document: Json) -> dict[str, tuple[str, str, Json]]:
    """Return the method, path and operation of each operationId."""
    return {
        operation["operationId"]: (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def links_of(operation: Json) -> list[Json]:
    responses = operation["responses"].values()
    return [link for response in responses for link in response.get("links", {}).values()]


def value_of(expression: str, path_values: Json, answer: Json) -> Any:
    """Return the value of a runtime expression such as `$response.body#/user/id`."""
    if expression.startswith("$request.path."):
        return path_values[expression.removeprefix("$request.path.")]
    value: Any = answer
    for name in expression.removeprefix("$response.body#/").split("/"):
        value = value[int(name) if name.isdigit() else name]
    return value


def follow(client: ApiClient, document: Json, link: Json, path_values: Json, answer: Json) -> int:
    """Send the request of a link with the values from an answer; return its status."""
    method, path, operation = operations(document)[link["operationId"]]
    values = {
        name: value_of(expression, path_values, answer)
        for name, expression in link.get("parameters", {}).items()
    }
    places = {parameter["name"]: parameter["in"] for parameter in operation["parameters"]}
    assert values.keys() <= places.keys()
    body = {
        name: value_of(expression, path_values, answer)
        for name, expression in link.get("requestBody", {}).items()
    }
    if "requestBody" in operation and not body:
        body = {"activity_type": "page_read"}
    query = {name: value for name, value in values.items() if places[name] == "query"}
    return client.request(
        method, path.format(**values), json=body or None, query_string=query
    ).status_code


ANN = {"email": "ann@example.org", "password": PASSWORD}


def test_the_links_of_a_login_lead_to_what_an_app_does_next(api: Api) -> None:
    document = api.get("/api/openapi.json").get_json()
    _, _, login = operations(document)["sessions_login"]
    answer = api.post("/api/login", ANN).get_json()
    device = api.with_token(answer["token"])
    statuses = {
        link["operationId"]: follow(device, document, link, {}, answer) for link in links_of(login)
    }
    assert statuses == {
        "heartbeat_heartbeat": 200,
        "activities_add_activities": 201,
        "account_me": 200,
        "readers_reader": 200,
        "readers_activities": 200,
        "readers_sessions": 200,
        "sessions_resume": 200,
        "sessions_logout": 204,
    }


def test_every_other_link_can_be_followed(
    api: Api, ann: ApiClient, cara: ApiClient, cast: Cast
) -> None:
    document = api.get("/api/openapi.json").get_json()
    ann.post("/api/activities", {"activity_type": "page_read"})
    path_values = {"reader_id": cast.ann.id}
    for _ in range(2):
        cara.get(f"/api/readers/{cast.ann.id}/sessions")
    for name, (method, path, operation) in operations(document).items():
        if not links_of(operation) or name.startswith("sessions"):
            continue
        client = ann if name in {"account_me", "account_access_log"} or method == "POST" else cara
        answer = client.request(
            method,
            path.format(**path_values),
            json={"activity_type": "page_read"} if method == "POST" else None,
        ).get_json()
        for link in links_of(operation):
            status = follow(client, document, link, path_values, answer)
            assert (name, link["operationId"], status) == (name, link["operationId"], 200)


def test_each_field_of_a_request_is_described(api: Api) -> None:
    document = api.get("/api/openapi.json").get_json()
    schemas = document["components"]["schemas"]
    fields = {
        (name, field): schema
        for name in ("Login", "Resume", "PasswordChange", "ActivityBody", "BatchBody")
        for field, schema in schemas[name]["properties"].items()
    }
    assert [name for name, schema in fields.items() if "description" not in schema] == []
    assert schemas["BatchBody"]["properties"]["activities"]["maxItems"] == 500
    parameters = [
        parameter
        for _, _, operation in operations(document).values()
        for parameter in operation["parameters"]
        if parameter["in"] == "query"
    ]
    assert [parameter for parameter in parameters if "description" not in parameter] == []


def test_statuses_have_the_names_of_rfc_9110_in_every_python(api: Api) -> None:
    responses = api.get("/api/openapi.json").get_json()["components"]["responses"]
    descriptions = {name: response["description"] for name, response in responses.items()}
    assert descriptions["ContentTooLarge"] == "Content Too Large"
    assert descriptions["UnprocessableContent"] == "Unprocessable Content"


def test_a_response_without_content_has_no_content_type(ann: ApiClient) -> None:
    answer = ann.post("/api/logout")
    assert answer.status_code == 204
    assert "Content-Type" not in answer.headers
