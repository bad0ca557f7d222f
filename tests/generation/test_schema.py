"""The documents of the API: complete, valid, and open to everybody."""

import re
from typing import Any, get_args

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import get_resolver
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from generation.event_types import EVENTS
from generation.models.runs import Status
from generation.pipelines import PIPELINES
from generation.routing import http, websocket
from generation.schema import shapes
from generation.schema.json_schema import references
from generation.schema.results import RESULTS
from generation.serializers import snapshot
from tests.generation.browsing import REFERRED, ended_run

METHODS = {"get", "post", "delete"}
OPEN_TO_ALL = {"getSchema", "getAsyncApi", "isAlive", "isReady"}
# Pages, and the addresses below `/api/` that are no operations.
NOT_DESCRIBED = {"/api/docs"}


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    return Client().get("/api/schema").json()


@pytest.fixture(scope="module")
def asyncapi() -> dict[str, Any]:
    return Client().get("/api/asyncapi.json").json()


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def plain(route: str) -> str:
    """`api/runs/<str:run_id>` → `/api/runs/{run_id}`."""
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)


def at(document, pointer: str):
    found = document
    for key in pointer.removeprefix("#/").split("/"):
        found = found[key]
    return found


# OpenAPI


def test_openapi_is_valid(openapi) -> None:
    assert openapi["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(openapi).validate()


@pytest.mark.parametrize("accept", [None, "*/*", "text/html", "application/vnd.oai.openapi"])
@pytest.mark.parametrize("path", ["/api/schema", "/api/asyncapi.json"])
def test_the_documents_are_json_for_everybody(path, accept) -> None:
    answer = Client().get(path, headers={"Accept": accept} if accept else {})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


def test_every_address_of_the_api_is_described(openapi) -> None:
    views = {plain(str(route.pattern)) for route in get_resolver("generation.urls").url_patterns}
    consumers = {plain(str(route.pattern)) for route in http.routes if str(route.pattern)}
    assert set(openapi["paths"]) == (views | consumers) - NOT_DESCRIBED


def test_every_operation_says_what_it_is(openapi) -> None:
    tags = {tag["name"] for tag in openapi["tags"]}
    ids = []
    for method, path, operation in operations(openapi):
        assert method in METHODS, path
        assert operation["summary"]
        assert set(operation["tags"]) <= tags
        ids.append(operation["operationId"])
    assert len(set(ids)) == len(ids)


def test_whoever_is_not_signed_in_is_told_so_where_that_matters(openapi) -> None:
    for _, _, operation in operations(openapi):
        free = operation["operationId"] in OPEN_TO_ALL
        assert ("401" not in operation["responses"]) == free
        assert (operation["security"] == []) == free


def test_tickets_open_what_may_be_watched_and_nothing_else(openapi) -> None:
    takes = {o["operationId"] for _, _, o in operations(openapi) if {"ticket": []} in o["security"]}
    assert takes == {"streamRun", "pollRun", "streamBatch"}


def test_what_starts_work_may_be_repeated(openapi) -> None:
    takes = {
        operation["operationId"]
        for _, _, operation in operations(openapi)
        if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ()))
    }
    starts = {
        "startRun",
        "correctRun",
        "startAndStream",
        "retryRun",
        "startBatch",
        "retryBatch",
        "generate",
        "generateStream",
        "duplicateProgram",
        "saveTemplate",
        "useTemplate",
    }
    assert takes == starts


def test_every_refusal_has_a_body_and_says_when_to_come_back(openapi) -> None:
    for _, path, operation in operations(openapi):
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert response["content"], path
            if status in ("429", "503"):
                assert "Retry-After" in response["headers"], path


def test_links_lead_to_operations(openapi) -> None:
    ids = {operation["operationId"] for _, _, operation in operations(openapi)}
    linked = {
        link["operationId"]
        for _, _, operation in operations(openapi)
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    }
    assert {"getRun", "cancelRun", "pauseRun", "resumeRun", "retryRun", "deleteRun", "getBatch"} <= linked <= ids


def test_the_states_and_kinds_are_those_of_the_code() -> None:
    assert set(get_args(shapes.Status)) == set(Status.values)
    assert set(get_args(shapes.Kind)) == set(PIPELINES) == set(RESULTS)


@pytest.mark.django_db
@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.FAILED, Status.QUEUED])
def test_a_snapshot_has_the_fields_that_are_described(openapi, alice, status) -> None:
    failure = {"code": "SERVER_ERROR", "message": "It broke.", "retryable": True, "stage": None}
    run = ended_run(alice, REFERRED, status, error=failure if status == Status.FAILED else None)
    described = openapi["components"]["schemas"]["Run"]
    assert set(snapshot(run)) == set(described["properties"]) == set(described["required"])
    validator = Draft202012Validator({**openapi, "$ref": "#/components/schemas/Run"})
    assert not [error.message for error in validator.iter_errors(snapshot(run))]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/runs", "/api/exercises", "/api/batches", "/api/metrics"])
def test_options_without_a_preflight_is_just_another_method(api, path) -> None:
    answer = api("alice").options(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "VALIDATION_ERROR")


# AsyncAPI


def test_asyncapi_has_what_its_specification_asks_for(asyncapi) -> None:
    assert asyncapi["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(asyncapi["info"])
    assert {"channels", "operations", "components"} <= set(asyncapi)


@pytest.mark.parametrize("name", ["openapi", "asyncapi"])
def test_every_reference_leads_somewhere(name, request) -> None:
    document = request.getfixturevalue(name)
    for target in set(references(document)):
        assert at(document, target), target


@pytest.mark.parametrize("name", ["openapi", "asyncapi"])
def test_every_component_is_a_schema_that_somebody_needs(name, request) -> None:
    document = request.getfixturevalue(name)
    used = set(references(document))
    for component, schema in document["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert f"#/components/schemas/{component}" in used


def test_asyncapi_has_the_streams_and_the_sockets(asyncapi) -> None:
    addresses = {channel["address"].replace("Id}", "_id}") for channel in asyncapi["channels"].values()}
    sockets = {plain(str(route.pattern)) for route in websocket.routes if str(route.pattern)}
    assert addresses == sockets | {"/api/runs/{run_id}/stream", "/api/batches/{batch_id}/stream"}
    for channel in asyncapi["channels"].values():
        assert set(re.findall(r"\{(\w+)\}", channel["address"])) == set(channel.get("parameters", {}))


def test_operations_send_and_receive_every_message_of_their_channels(asyncapi) -> None:
    told: dict[str, set[str]] = {}
    for operation in asyncapi["operations"].values():
        assert operation["action"] in ("send", "receive")
        channel = operation["channel"]["$ref"]
        for message in operation["messages"]:
            assert message["$ref"].startswith(f"{channel}/messages/")
            told.setdefault(channel, set()).add(message["$ref"].rsplit("/", 1)[1])
    assert told == {f"#/channels/{name}": set(channel["messages"]) for name, channel in asyncapi["channels"].items()}


@pytest.mark.parametrize("channel", ["runStream", "socket", "runSocket"])
def test_every_event_is_a_message_with_its_own_payload(asyncapi, channel) -> None:
    messages = asyncapi["channels"][channel]["messages"]
    for name in EVENTS:
        payload = at(asyncapi, at(asyncapi, messages[name]["$ref"])["payload"]["$ref"])
        assert payload["properties"]["event"]["const"] == name
        assert set(payload["required"]) == {"seq", "run_id", "event", "ts", "data"}


# The page


def test_the_page_brings_everything_along() -> None:
    page = Client().get("/api/docs")
    assert page.status_code == 200
    linked = re.findall(r'(?:src|href)="([^"]+)"', page.content.decode())
    assert len(linked) >= 5
    for address in linked:
        assert address.startswith("/static/") or address == "/api/docs?script=", address
        assert address.startswith("/api/") or finders.find(address.removeprefix("/static/")), address
    assert Client().get("/api/docs?script=")["Content-Type"].startswith("application/javascript")
    assert "unsafe" not in page["Content-Security-Policy"]
