"""A place, a filter or a page size of the list that is none."""

from base64 import b64encode

import pytest

from tests.acceptance.asking import client_of, error_of

PAGE_CURSORS = ["x", "%00", "=", "a" * 5000, "٣"] + [
    b64encode(text).decode()
    for text in (b"p=abc", b"p=\x00", b"p=2026-13-45T99:99", b"o=1e3&p=x", b"o=-1", b"o=999999999999999", b"r=1&p=\xff")
]


@pytest.mark.parametrize("cursor", PAGE_CURSORS)
def test_a_bad_place_in_the_list_is_refused(standing_server, finished, unharmed, cursor):
    with client_of(standing_server, "alice") as client:
        answer = client.get("/api/runs", params={"cursor": cursor})
    assert answer.status_code in (200, 400, 404)


@pytest.mark.parametrize("query", [
    "status=flying", "clinic=x", "clinic=%00", "created_after=yesterday", "created_after=99999-01-01", "page_size=-1",
    "page_size=" + "9" * 5000, "page_size=%D9%A3x", "kind=%00", "surprise=1",
])  # fmt: skip
def test_a_bad_filter_is_refused(standing_server, unharmed, query):
    with client_of(standing_server, "alice") as client:
        answer = client.get(f"/api/runs?{query}")
    assert (answer.status_code, error_of(answer)["code"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("query", [
    "created_before=0001-01-01T00:00:00%2B14:00", "created_after=9999-12-31T23:59:59-14:00", "page_size=%D9%A3",
])  # fmt: skip
def test_a_filter_at_the_edge_is_refused_or_applied(standing_server, unharmed, query):
    with client_of(standing_server, "alice") as client:
        assert client.get(f"/api/runs?{query}").status_code in (200, 400)
