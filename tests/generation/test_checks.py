"""`manage.py check` says of the settings what would fail later."""

import pytest
from django.core.checks import run_checks

OPENAI = "https://api.openai.com/v1"
OURS = ("generation.",)


@pytest.fixture(autouse=True)
def _no_model(settings) -> None:
    settings.MODEL, settings.MODEL_API_KEY, settings.MODEL_BY_KIND = "", "", {}
    settings.MODEL_BASE_URL, settings.NOT_YET = OPENAI, []


def said() -> list[str]:
    return sorted(str(message.id) for message in run_checks() if str(message.id).startswith(OURS))


def test_the_shipped_settings_are_fine():
    assert said() == []


def test_openai_without_a_key_is_told(settings):
    settings.MODEL = "small"
    assert said() == ["generation.W003"]
    settings.MODEL_API_KEY = "sk-of-nobody"
    assert said() == []


def test_a_server_of_ones_own_needs_no_key(settings):
    settings.MODEL, settings.MODEL_BASE_URL = "small", "http://127.0.0.1:11434/v1"
    assert said() == []


def test_a_model_for_a_kind_that_is_not_there_is_told(settings):
    settings.MODEL, settings.MODEL_API_KEY = "small", "sk-of-nobody"
    settings.MODEL_BY_KIND = {"exercise_program": "large", "exercise_programme": "larger"}
    assert said() == ["generation.W004"]


def test_a_model_for_a_kind_is_not_enough(settings):
    settings.MODEL_BY_KIND = {"exercise_program": "large"}
    assert said() == ["generation.W006"]


@pytest.mark.parametrize(
    ("address", "warned"),
    [
        ("http://models.clinic.example/v1", True),
        ("http://192.168.1.5:8080/v1", True),
        ("http://127.0.0.1.example:8080/v1", True),
        ("https://models.clinic.example/v1", False),
        ("http://127.0.0.1:8080/v1", False),
        ("http://[::1]:8080/v1", False),
        ("http://localhost:11434/v1", False),
    ],
)
def test_a_case_in_the_clear_is_told(settings, address, warned):
    settings.MODEL, settings.MODEL_BASE_URL = "small", address
    assert said() == ["generation.W005"] * warned


def test_a_setting_of_a_part_still_to_come_is_told(settings):
    settings.NOT_YET = ["LITERATURE_ONLINE"]
    assert said() == ["generation.W002"]
