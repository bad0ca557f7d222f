"""What a socket really says is what its document says."""

import asyncio
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.acceptance.asking import CANONICAL, MISSING, client_of, hear, socket_to, token

BATCH = {"kind": CANONICAL["kind"], "inputs": [CANONICAL["input"]] * 2}


@pytest.fixture(scope="module")
def asyncapi(standing_server) -> dict[str, Any]:
    with client_of(standing_server, None) as client:
        return client.get("/api/asyncapi.json").raise_for_status().json()


def validator_of(asyncapi, action: str) -> Draft202012Validator:
    """Accepts what is one of the messages that the socket sends or receives."""
    messages = asyncapi["operations"][f"{action}_socket"]["messages"]
    named = [asyncapi["channels"]["socket"]["messages"][m["$ref"].rsplit("/", 1)[1]]["$ref"] for m in messages]
    payloads = [asyncapi["components"]["messages"][name.rsplit("/", 1)[1]]["payload"] for name in named]
    return Draft202012Validator({"anyOf": payloads, "components": asyncapi["components"]})


async def test_every_message_of_a_socket_is_described(standing_server, asyncapi) -> None:
    sends, takes = validator_of(asyncapi, "send"), validator_of(asyncapi, "receive")
    with client_of(standing_server, "alice") as client:
        batch = await asyncio.to_thread(lambda: client.post("/api/batches", json=BATCH).raise_for_status().json()["id"])
        run = await asyncio.to_thread(lambda: client.post("/api/runs", json=CANONICAL).raise_for_status().json()["id"])
    commands: list[dict[str, Any]] = [
        {"type": "ping", "ref": 1},
        {"type": "start", **CANONICAL, "ref": "two", "key": f"started-{run}"},
        {"type": "subscribe", "run": run, "after": 1},
        {"type": "subscribe", "batch": batch, "ref": None},
        *({"type": act, "run": run} for act in ("cancel", "pause", "resume", "unsubscribe")),
        {"type": "subscribe", "run": MISSING},
    ]
    heard: list[dict[str, Any]] = []
    async with socket_to(standing_server, "/ws/", token(standing_server, "alice")) as socket:
        for command in commands:
            assert takes.is_valid(command), command
            await socket.send(json.dumps(command))
        while sum("type" in message for message in heard) < len(commands) or heard_of(heard, "batch_complete") is None:
            heard.append(await hear(socket))
    for message in heard:
        assert sends.is_valid(message), message
    assert heard_of(heard, "batch")


def heard_of(heard: list[dict[str, Any]], event: str) -> dict[str, Any] | None:
    return next((message for message in heard if message.get("event") == event), None)


@pytest.mark.parametrize("command", [
    {"type": "subscribe"},
    {"type": "subscribe", "run": "x"},
    {"type": "subscribe", "run": MISSING, "after": -1},
    {"type": "start", "kind": "unknown", "input": {}},
    {"type": "start", "kind": "exercise_program", "input": {"prompt": "short"}},
    {"type": "sing"},
    {},
])  # fmt: skip
def test_what_a_socket_refuses_is_not_described(asyncapi, command) -> None:
    assert not validator_of(asyncapi, "receive").is_valid(command)
