"""Rows as people bring them: files of Excel in two countries, lines from a note, and what can't be read."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.batch_upload import Row, Unreadable, from_file, from_pasted


def read(text: str, encoding: str = "utf-8") -> list[tuple[int, dict[str, str]]]:
    return [(row.number, row.values) for row in from_file(text.encode(encoding))]


def refused(content: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        from_file(content)
    return str(caught.value)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_file_is_read_whatever_the_country_of_the_spreadsheet(delimiter, end, encoding):
    lines = [delimiter.join(cells) for cells in (("prompt", "mrn"), ('"Knæ, højre; ondt"', "A-1"), ("Ryg", ""))]
    knee, back = read(end.join(lines), encoding)
    assert knee == (2, {"prompt": "Knæ, højre; ondt", "mrn": "A-1"})
    assert back == (3, {"prompt": "Ryg"})


def test_columns_come_in_any_order_and_case():
    assert read("Clinic ID,MRN, Prompt \nx,1,Knee\n") == [(2, {"clinic_id": "x", "mrn": "1", "prompt": "Knee"})]


def test_a_cell_of_several_lines_is_one_row_and_is_counted_as_one():
    text = 'prompt,mrn\r\n"Knee,\r\nright",1\r\nBack,2\r\n'
    assert read(text) == [(2, {"prompt": "Knee,\nright", "mrn": "1"}), (3, {"prompt": "Back", "mrn": "2"})]


def test_empty_rows_are_no_cases_but_count():
    assert read("prompt;mrn\n;\n\nKnee;1\n;;;\n") == [(4, {"prompt": "Knee", "mrn": "1"})]


@pytest.mark.parametrize("case", ["Knee, right", "Knæ; højre", '5" step', "=cmd|' /C calc'!A0", "@SUM(1+1)", "-2+3"])
def test_with_a_single_column_a_case_is_text_whatever_is_in_it(case):
    assert read(f"prompt\n{case}\n") == [(2, {"prompt": case})]


def test_quotation_marks_in_a_case_are_doubled_as_spreadsheets_do():
    assert read('prompt,mrn\n"says ""stiff"" at night", "A, 1"\n') == [
        (2, {"prompt": 'says "stiff" at night', "mrn": "A, 1"})
    ]


def test_a_row_with_more_cells_than_columns_is_at_fault_alone():
    good, bad = from_file(b"prompt,mrn\nBack,2,\nKnee, right, worse at night\n")
    assert good == Row(2, {"prompt": "Back", "mrn": "2"})
    assert (bad.number, bad.values) == (3, {})
    assert "more cells than columns" in bad.fault


@pytest.mark.parametrize(("content", "sentence"), [
    (b"prompt,age\nKnee,68\n", "“age” is not a column"),
    (b"prompt,mrn,MRN\nKnee,1,2\n", "“mrn” stands there twice"),
    (b"mrn\n1\n", "“prompt” must be one of them"),
    (b"", "“prompt” must be one of them"),
    (b"\n\n", "“prompt” must be one of them"),
    ("prompt\nKnæ\n".encode("latin-1"), "not UTF-8"),
    ("prompt\nKnee\n".encode("utf-16"), "not UTF-8"),
    (b"\x89PNG\r\n\x1a\n", "not UTF-8"),
    (b'prompt,mrn\nKnee,1\n"Back,2\nHip,3\n', "Row 3 can't be read"),
    (b'prompt,mrn\n"Knee" right,1\n', "Row 2 can't be read"),
])  # fmt: skip
def test_a_file_that_is_no_list_of_cases_is_refused_in_a_sentence(content, sentence):
    assert sentence in refused(content)


def test_a_file_without_a_header_is_refused_without_repeating_a_case():
    assert "Jens" not in refused(b"Jens Hansen, right knee,68\n")


def test_pasted_lines_are_cases_with_the_numbers_of_their_lines():
    assert from_pasted("\r\nKnee, right; worse\r\n\r\n  Back\t54 yo\r\n") == [
        Row(2, {"prompt": "Knee, right; worse"}),
        Row(4, {"prompt": "Back\t54 yo"}),
    ]


@pytest.mark.parametrize("text", ["mrn\tprompt\r\n1\tKnee", '"MRN";"Prompt"\n1;Knee', "mrn,prompt\n1,Knee\n"])
def test_pasted_rows_with_a_header_are_columns(text):
    assert from_pasted(text) == [Row(2, {"mrn": "1", "prompt": "Knee"})]


def test_a_case_that_only_mentions_a_column_is_no_header():
    assert [row.number for row in from_pasted("prompt referral, 68 yo\nBack")] == [1, 2]


@given(st.text())
def test_any_text_is_rows_or_is_refused(text):
    for read_it in (from_pasted, lambda given: from_file(b"prompt;mrn\n" + given.encode(errors="ignore"))):
        with contextlib.suppress(Unreadable):
            rows = read_it(text)
            assert all(row.fault or row.values for row in rows)
            assert [row.number for row in rows] == sorted({row.number for row in rows})
