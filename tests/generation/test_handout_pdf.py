"""The PDF of the hand-out, read back: what it says, how it is tagged, and that text stays text."""

import orjson
import pytest

from generation import programs
from generation.handout import pdf
from generation.handout.links import printed
from generation.handout.sheets import sheet_of
from tests.generation.handout_making import APPROVED_ON, SIX, content_of, give_clinic, item_of, make_program
from tests.generation.pdf_reading import Pdf

pytestmark = pytest.mark.django_db
URL = "https://clinic.example/h/" + "Ab3-_xYz" * 4 + "/"


def rendered(program, size="standard", language=None, first_name="", link=None):
    return Pdf(pdf.render(sheet_of(programs.version_of(program), language), size, first_name, link))


def with_items(*changes, **fields):
    """Six items, the first of them changed like this."""
    items = [item_of(slug, "en") for slug in SIX]
    return {"items": [item | change for item, change in zip(items, [*changes, *[{}] * 6], strict=False)], **fields}


@pytest.mark.parametrize("language", ["en", "da"])
def test_it_says_what_the_program_says(alice, language):
    give_clinic(alice, phone="12 34 56 78")
    program = make_program(alice, language)
    made, content = rendered(program), content_of(language)
    for item in content["items"]:
        for sentence in (item["name"], item["setup"], item["dose_text"], *item["steps"], item["precaution"]):
            assert made.says(sentence), sentence
    for sentence in (
        content["summary_for_patient"],
        content["pain_rule"],
        *content["stop_rules"],
        *content["education"],
    ):
        assert made.says(sentence), sentence
    for sentence in ("North clinic", "12 34 56 78", "112", {"en": "3 March 2026", "da": "3. marts 2026"}[language]):
        assert made.says(sentence), sentence


@pytest.mark.parametrize("language", ["en", "da"])
@pytest.mark.parametrize("approved", [True, False])
def test_six_exercises_fit_two_pages(alice, language, approved):
    made = rendered(make_program(alice, language, approved=approved), first_name="Anna")
    assert len(made.pages) in (1, 2)


def test_six_exercises_with_a_link_fit_two_pages(alice):
    made = rendered(make_program(alice), link=printed(URL, APPROVED_ON.date(), "en"))
    assert len(made.pages) == 2
    assert made.says(URL)


def test_it_is_as_large_as_two_pages_allow(alice):
    few = make_program(alice, slugs=SIX[:2])
    sizes = [size for size, _ in pdf.LAYOUTS["standard"]]
    for program, expected in ((few, max(sizes)), (make_program(alice), None)):
        used = float(pdf.fitting(sheet_sent(program), "standard")["points"])
        assert used >= 12
        assert expected is None or used == expected


def sheet_sent(program):
    whole = sheet_of(programs.version_of(program)) | {"size": "standard", "first_name": "", "link": None}
    return orjson.dumps(whole).decode()


def test_large_print_says_the_same_in_18_points(alice):
    program = make_program(alice)
    standard, large = rendered(program), rendered(program, "large")
    assert pdf.LAYOUTS["large"] == ((18, False),)
    assert len(large.pages) > len(standard.pages)
    for item in content_of()["items"]:
        assert all(large.says(step) for step in item["steps"])


@pytest.mark.parametrize("language", ["en", "da"])
def test_it_is_tagged_in_its_language(alice, language):
    made = rendered(make_program(alice, language))
    assert made.root["/Lang"] == language
    assert made.root["/MarkInfo"]["/Marked"]
    assert b"pdfuaid:part" in made.root["/Metadata"].get_data()
    assert made.root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert made.reader.metadata.title == {"en": "Your exercises", "da": "Dine øvelser"}[language]


def test_its_headings_are_headings(alice):
    tags = [tag for tag in rendered(make_program(alice)).tags() if tag in ("/H1", "/H2", "/H3", "/Title")]
    assert tags[0] in ("/H1", "/Title")
    assert tags.count("/H3") == 6
    assert tags.count("/H2") == 6
    assert {"/L", "/LI", "/Table", "/TH"} <= set(rendered(make_program(alice)).tags())


def test_every_picture_says_what_it_shows(alice):
    made = rendered(make_program(alice), link=printed(URL, APPROVED_ON.date(), "en"))
    pictures = [element.alt for element in made.elements if element.tag == "/Figure"]
    assert "A person lies on the back with bent knees and lifts the hips." in pictures
    assert "A code that opens this program on a phone." in pictures
    assert all(pictures)


def test_its_fonts_are_in_it(alice):
    fonts = rendered(make_program(alice)).fonts()
    assert fonts
    for font in fonts:
        assert {"/FontFile2", "/FontFile3"} & set(font), font["/FontName"]


@pytest.mark.parametrize(("language", "mark"), [("en", "DRAFT – not reviewed"), ("da", "KLADDE – ikke gennemgået")])
def test_a_draft_says_so_on_every_page(alice, language, mark):
    for size in ("standard", "large"):
        made = rendered(make_program(alice, language, approved=False), size)
        assert all(mark in page for page in made.pages)
        assert mark not in rendered(make_program(alice, language), size).text


def test_the_first_name_is_on_it_and_a_record_number_never(alice):
    program = make_program(alice)
    assert rendered(program, first_name="Kirstine").says("For Kirstine")
    assert "Kirstine" not in rendered(program).text


def test_a_note_is_on_it(alice):
    made = rendered(make_program(alice, **with_items({"patient_note": "Hold on to the kitchen table."})))
    assert made.says("For you: Hold on to the kitchen table.")


def test_what_was_written_in_another_language_says_so(alice):
    made = rendered(make_program(alice, **with_items({"slug": "not-in-the-library"})), language="da")
    assert made.says("Heel slide lying down (på engelsk)")
    assert any(element.language == "en" for element in made.elements)


HOSTILE = {
    "markup": '#import "x.typ": * #panic() = Heading *bold* _it_ $x^2$ `raw` @ref <label> // no',
    "backslashes": r"\ \\ \u{41} \# C:\temp\n",
    "tags": "<script>alert(1)</script> &amp; <b>",
    "json": '"}, {"name": "x", null',
    "code": "]); panic(); [#sys.inputs",
    "hebrew": "שלום and back",
    "greek": "γόνατο · колено",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_comes_out_as_text(alice, name):
    text = HOSTILE[name]
    program = make_program(alice, **with_items({"name": text}, {"patient_note": text}, {"steps": [text, "Then stop."]}))
    made = rendered(program, first_name=text[:40])
    if name == "hebrew":
        # Read from right to left, it stands behind what follows it.
        assert made.says("For you: שלום")
    else:
        assert made.says(f"For you: {text}")
        assert made.says(f"1{text}")


def test_what_no_font_has_is_left_as_a_box(alice):
    made = rendered(make_program(alice, **with_items({"patient_note": "Smile 😀 漢字 now"})))
    assert made.says("For you: Smile")
    assert "now" in made.text
    assert "/H1" in made.tags() or "/Title" in made.tags()


def test_control_characters_and_turned_text_are_dropped(alice):
    made = rendered(make_program(alice, **with_items({"patient_note": "one\x07\x00two \u202ethree\u2066 four"})))
    assert made.says("For you: onetwo three four")


def test_a_word_without_end_stays_on_the_page(alice):
    word = "Donaudampfschifffahrtsgesellschaft" * 6
    made = rendered(make_program(alice, **with_items({"name": word}, {"patient_note": word})))
    assert made.says(word)
    longest = max(len(line) for page in made.pages for line in page.splitlines() if "schiff" in line)
    assert longest < 110


def test_eight_long_items_are_all_there(alice):
    items = [item_of(slug, "en", patient_note="Hold on to something that does not move. " * 7) for slug in SIX]
    items += [item_of(slug, "en") for slug in ("clamshell", "straight-leg-raise")]
    made = rendered(make_program(alice, items=items), "large", first_name="Bartholomæus-Christoffer Østergaard-Ærø")
    for number, item in enumerate(items, 1):
        assert made.says(f"{number}{item['name']}")
    assert made.says("Bartholomæus-Christoffer Østergaard-Ærø")
