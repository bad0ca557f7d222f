"""The library's pages, as a browser without scripts meets them."""

import re

import pytest

from generation.clinical import figures
from generation.clinical.library import load
from generation.models import Exercise
from tests.generation.browsing import browser, page
from tests.generation.shelving import add, write

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("library")]


def found(text: str) -> list[str]:
    return re.findall(r'<h2><a href="/library/([a-z0-9-]+)/', text)


def options(text: str, name: str) -> list[str]:
    select = re.search(rf'<select id="facet-{name}".*?</select>', text, re.DOTALL)
    return re.findall(r"<option[^>]*>(.*?)</option>", select[0]) if select else []


@pytest.mark.parametrize("url", ["/library/", "/library/bridge/"])
def test_a_page_asks_to_sign_in(url):
    assert browser(None).get(url)["Location"] == f"/login/?next={url}"


@pytest.mark.parametrize("url", ["/library/", "/library/bridge/"])
def test_a_page_is_only_read(alice, url):
    assert browser(alice).post(url).status_code == 405


def test_all_exercises_are_there_page_by_page(alice):
    text, slugs = page(alice, "/library/"), []
    assert f"{len(load().exercises)} exercises" in text
    while True:
        slugs += found(text)
        following = re.search(r'rel="next" href="([^"]+)"', text)
        if following is None:
            break
        text = page(alice, "/library/" + following[1].replace("&amp;", "&"))
    assert slugs == [entry["slug"] for entry in load().exercises]


def test_search_and_facets_narrow_together_and_stay_in_the_form(alice):
    write(add("made-up", body_regions=["knee"]), "en", "Heron stand")
    write(add("other", body_regions=["hip"]), "en", "Heron walk")
    text = page(alice, "/library/?q=heron&region=knee&purpose=&level=")
    assert found(text) == ["made-up"]
    assert 'value="heron"' in text
    assert '<option value="knee" selected>Knee (1)</option>' in text
    assert options(text, "region") == ["Any", "Hip (1)", "Knee (1)"]


def test_a_page_of_hits_leads_to_the_next_with_the_same_search(alice):
    for number in range(30):
        write(add(f"made-up-{number:02}"), "en", "Heron stand")
    text = page(alice, "/library/?q=heron")
    following = re.search(r'rel="next" href="([^"]+)"', text)[1].replace("&amp;", "&")
    assert len(found(text) + found(page(alice, "/library/" + following))) == 30


def test_nothing_found_says_what_to_do(alice):
    assert "No exercise fits all of this." in page(alice, "/library/?q=zebra")


@pytest.mark.parametrize("query", [
    "region=nose", "level=9", "page=x", "page=-1", "page=99", "language=sv", "q=" + "x" * 999, "q=%00", "q=%ff",
])  # fmt: skip
def test_what_can_not_be_meant_leads_to_a_page_all_the_same(alice, query):
    assert "Exercise library" in page(alice, f"/library/?{query}")


def test_htmx_gets_the_hits_and_fresh_facets(alice):
    text = page(alice, "/library/?q=bridge", **{"HX-Request": "true"})
    assert "<html" not in text
    assert "bridge" in found(text)
    assert 'hx-swap-oob="innerHTML:#library-count"' in text
    assert 'id="library-facets" class="facets" hx-swap-oob="true"' in text


def test_the_language_of_the_texts_is_chosen_and_marked(alice):
    text = page(alice, "/library/?language=da&q=bækkenløft")
    assert re.search(r'<a href="/library/bridge/\?language=da" lang="da">Bækkenløft</a>', text)
    assert "Text in" not in text
    assert '<header lang="da">' in page(alice, "/library/bridge/?language=da")


def test_a_text_in_another_language_than_asked_says_so(alice):
    write(add("made-up"), "en", "Heron stand", "Wait.")
    for url in ("/library/?language=da&q=heron", "/library/made-up/?language=da"):
        text = page(alice, url)
        assert 'lang="en"' in text
        assert "Text in English" in text


@pytest.mark.parametrize(("status", "badge"), [("draft", "Draft"), ("retired", "Retired")])
def test_what_is_not_reviewed_is_for_staff_and_badged(alice, dana, status, badge):
    write(add("made-up", status=status), "en", "Heron stand")
    assert found(page(alice, f"/library/?q=heron&status={status}")) == []
    assert not options(page(alice, "/library/"), "status")
    page(alice, "/library/made-up/", 404)
    assert found(page(dana, "/library/?q=heron")) == []
    for url in (f"/library/?q=heron&status={status}", "/library/made-up/"):
        assert f'<span class="tag draft">{badge}</span>' in page(dana, url)


def test_another_clinics_exercise_does_not_exist(alice, bob, charlie):
    write(add("made-up", clinic=alice.clinics.get()), "en", "Heron stand")
    for who, sees in ((alice, True), (bob, True), (charlie, False)):
        assert found(page(who, "/library/?q=heron")) == (["made-up"] if sees else [])
        page(who, "/library/made-up/", 200 if sees else 404)


@pytest.mark.parametrize("slug", ["missing", "Bridge", "a" * 500])
def test_an_exercise_that_is_none_is_not_there(alice, slug):
    page(alice, f"/library/{slug}/", 404)


def test_an_exercise_shows_all_that_is_known_of_it(alice):
    entry = next(entry for entry in load().exercises if entry["slug"] == "bridge")
    text = page(alice, "/library/bridge/")
    told = entry["text"]["en"]
    for words in (told["name"], told["purpose_line"], told["setup"], *told["steps"], *told["cues"],
                  *told["common_mistakes"], told["feel"], told["easier"], told["harder"], told["safety"]):  # fmt: skip
        assert words in text
    assert "Part of the body weight on the leg" in text
    assert 'Load – building strength</dt><dd lang="en">3 sets of 10' in text
    assert all(f'href="/library/{slug}/' in text for slug in entry["easier_than"] + entry["harder_than"])
    assert entry["licence"]["author"] in text


@pytest.mark.parametrize(("address", "linked"), [
    ("https://example.org/a", True), ("http://example.org/a", True), ("javascript:alert(1)", False),
    ("data:text/html,x", False), ("//example.org", False), (7, False),
])  # fmt: skip
def test_only_an_address_of_the_web_is_a_link(alice, address, linked):
    add(
        "made-up",
        details={
            **Exercise.objects.get(slug="bridge").details,
            "licence": {"author": "A", "source_url": address, "author_url": address},
        },
    )
    text = page(alice, "/library/made-up/")
    assert (f'href="{address}"' in text) == linked
    assert "javascript:" not in text


def test_a_text_is_never_markup(alice):
    write(add("made-up"), "en", "<img src=x> heron", "<script>alert(1)</script>", steps=["<b>up</b>"])
    for url in ("/library/?q=heron", "/library/made-up/"):
        text = page(alice, url)
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "<b>up" not in text


def test_a_drawing_is_shown_where_there_is_one(alice):
    drawn = sorted(figures.slugs() & {entry["slug"] for entry in load().exercises})[0]
    assert figures.svg(drawn, "da") in page(alice, f"/library/{drawn}/?language=da")
    add("made-up")
    assert "<svg" not in page(alice, "/library/made-up/")


def test_an_imported_draft_and_one_without_text_have_a_page(dana):
    add("made-up", status="draft", demands=[], phases=[], positions=[], equipment=[])
    text = page(dana, "/library/made-up/")
    assert "Nobody has said yet." in text
    assert "This exercise has no text yet." in text


def test_every_code_of_the_vocabulary_has_a_name():
    from generation import exercises
    from generation import library_words as words

    for name, field in exercises.LISTS.items():
        assert set(words.CODES[name]) == set(exercises.codes(field))
    assert set(words.CODES) == set(words.FACETS) == set(exercises.FACETS)


def test_the_pages_need_no_more_than_the_policy_allows(alice):
    for url in ("/library/", "/library/bridge/", "/library/?q=knee"):
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page(alice, url))
