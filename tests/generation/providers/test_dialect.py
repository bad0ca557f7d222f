"""What a server turns out to take, from its refusals."""

import pytest

from generation.providers.dialect import Dialect


def test_a_refused_form_steps_down_to_none():
    first = Dialect()
    second = first.after("response_format json_schema is not supported")
    third = second.after("Unprocessable")
    assert [first.form, second.form, third.form] == ["json_schema", "json_object", "prompt"]
    assert third.after("Unprocessable") is None


@pytest.mark.parametrize("words", ["Unknown parameter: 'stream_options'", "include_usage: extra fields not permitted"])
def test_a_server_that_counts_nothing_keeps_its_schema(words):
    found = Dialect().after(words)
    assert (found.counts_usage, found.form) == (False, "json_schema")
    # Said again it must be about something else.
    assert found.after(words).form == "json_object"


def test_a_server_that_wants_the_other_name_of_the_limit_gets_it_once():
    found = Dialect().after("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
    assert (found.limit, found.form) == ("max_completion_tokens", "json_schema")
    assert found.after("Unsupported parameter: 'max_completion_tokens'").form == "json_object"


def test_no_server_is_asked_in_more_than_five_forms():
    words, dialects = "max_tokens stream_options response_format", [Dialect()]
    while (simpler := dialects[-1].after(words)) is not None:
        dialects.append(simpler)
    assert len(dialects) == len(set(dialects)) == 5
