"""`manage.py check_provider` says what a model server can do, or what to do about it. It needs no database."""

from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from generation.management.commands.check_provider import CASE
from tests.support.model_server import ModelServer
from tests.support.process import free_port

KEY = "sk-of-nobody"


@pytest.fixture
def server(settings) -> Iterator[ModelServer]:
    with ModelServer(tokens_per_s=200) as made:
        settings.MODEL, settings.MODEL_API_KEY, settings.MODEL_BASE_URL = "good", KEY, made.base_url
        yield made


def printed(*words: str) -> str:
    out = StringIO()
    call_command("check_provider", *words, stdout=out)
    return out.getvalue()


def complaint(*words: str) -> str:
    with pytest.raises(CommandError) as failed:
        printed(*words)
    assert failed.value.returncode == 1
    return str(failed.value)


def test_a_good_server_can_be_used(server):
    said = printed()
    assert f"Server: 127.0.0.1:{server.port}\nModel: good\n" in said
    for part in ("(json_schema)", "Usage: counted by the server", "Cancel: closed in", "It can be used."):
        assert part in said


def test_the_answer_that_is_closed_in_the_middle_ends_at_the_server_too(server):
    printed()
    short, program, after = server.calls
    assert short.finished
    assert not program.finished
    assert server.wait_closed(program) <= after.began_at + 0.5
    assert program.tokens_sent < 60


@pytest.mark.parametrize(
    ("model", "line"),
    [
        ("only-json-object", "Form: the server takes no schema, but JSON mode (json_object)"),
        ("only-prompt", "Form: the server takes neither a schema nor JSON mode"),
        ("no-usage", "Usage: not counted by the server"),
        ("no-stream-options", "Usage: not counted by the server"),
        ("two-exercises-at-2000", "Cancel: closed in"),
        ("no-exercises", "Cancel: not tried"),
    ],
)
def test_what_a_server_cannot_do_is_said(server, model, line):
    said = printed("--model", model)
    assert line in said
    assert said.endswith("It can be used.\n")


def test_a_server_that_answers_otherwise_than_asked_is_not_called_usable(server):
    said = printed("--model", "prose")
    assert "but the short answer was of another form" in said
    assert said.endswith("It answers, but not in the form that was asked for.\n")


@pytest.mark.parametrize(
    ("model", "sentence", "advice"),
    [
        ("status-401", "refused the key", "OPENAI_API_KEY"),
        ("of-another-name", "no such model", "OPENAI_MODEL"),
        ("status-503", "failed (503)", "log of the server"),
        ("busy", "too busy", "higher limit"),
        ("empty", "without a word", "another model"),
        ("refusal", "declined", "another model"),
        ("cut-off", "broke off", "log of the server"),
        ("silent", "wrote nothing within 0.5 s", "MODEL_FIRST_TOKEN_TIMEOUT_S"),
        ("silent-mid-answer", "not done within 0.5 s", "--timeout"),
    ],
)
def test_a_server_that_cannot_be_used_is_answered_with_what_to_do(server, model, sentence, advice):
    patience = "0.5" if model.startswith("silent") else "10"
    said = complaint("--model", model, "--timeout", patience)
    assert sentence in said
    assert advice in said


def test_a_server_that_is_not_there_is_named_as_such(settings):
    settings.MODEL, settings.MODEL_BASE_URL = "good", f"http://127.0.0.1:{free_port()}/v1"
    assert complaint() == "The model server can't be reached. Is the server running, and OPENAI_BASE_URL right?"


def test_without_a_model_it_says_who_writes(settings):
    settings.MODEL, settings.MODEL_BY_KIND = "", {}
    assert "Set OPENAI_MODEL" in complaint()


def test_a_model_that_would_not_be_done_in_time_is_too_slow(server, settings):
    settings.MODEL_TOTAL_TIMEOUT_S = 2
    assert "too slow" in complaint()


def test_the_model_of_programs_is_the_one_that_is_tried(server, settings):
    settings.MODEL_BY_KIND = {"exercise_program": "other-order"}
    assert "Model: other-order\n" in printed()


def test_the_price_is_told_or_missed(server, settings):
    assert "set MODEL_PRICES" in printed()
    settings.MODEL_PRICES = {"good": (0.15, 0.6)}
    assert "Price: 0.15 dollars for a million tokens read, 0.6 for a million written" in printed()


def test_neither_key_nor_password_is_printed(server, settings):
    settings.MODEL_BASE_URL = server.base_url.replace("//", "//user:of-nobody@")
    said = printed() + complaint("--model", "status-401")
    assert "of-nobody" not in said


def test_no_case_but_a_made_up_one_is_sent(server):
    printed()
    texts = [message["content"] for call in server.calls for message in call.body["messages"]]
    assert sum(CASE[:40] in text for text in texts) == 1
