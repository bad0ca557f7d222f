"""The exercise library over HTTP: who sees what, how it is searched, in which language it answers (wire.md 1.1)."""

import pytest

from generation.clinical.library import FIELDS, load
from generation.models import Exercise, User
from tests.generation.shelving import add, write

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("library")]

LISTS = {"region": "body_regions", "purpose": "purposes", "phase": "phases", "position": "positions",
         "equipment": "equipment", "demand": "demands"}  # fmt: skip


def found(client, query: str = "") -> list[dict]:
    """What all pages of a search hold."""
    address, results = f"/api/exercises?page_size=100&{query}", []
    while address:
        answer = client.get(address)
        assert answer.status_code == 200, answer.content
        results += answer.json()["results"]
        address = answer.json()["next"]
    return results


def slugs(client, query: str = "") -> list[str]:
    return [exercise["slug"] for exercise in found(client, query)]


def test_the_whole_library_is_listed_by_slug(api):
    assert slugs(api("alice")) == [exercise["slug"] for exercise in load().exercises]


def test_an_exercise_has_every_field_of_its_model_and_one_text(api):
    shipped = load().exercises[0]
    exercise = found(api("alice"))[0]
    assert set(exercise) == {*FIELDS, "id", "clinic", "language", "reviewed_by", "reviewed_on"}
    assert exercise["demands"] == shipped["demands"] != []
    assert exercise["text"] == shipped["text"]["en"]


def test_one_exercise_is_shown_as_in_the_list(api):
    exercise = found(api("alice"))[0]
    assert api("alice").get(f"/api/exercises/{exercise['slug']}").json() == exercise


def test_pages_follow_each_other_both_ways(api):
    client = api("alice")
    first = client.get("/api/exercises").json()
    second = client.get(first["next"]).json()
    assert (len(first["results"]), first["previous"]) == (25, None)
    assert second["results"][0]["slug"] > first["results"][-1]["slug"]
    assert client.get(second["previous"]).json()["results"] == first["results"]
    assert len(client.get("/api/exercises?page_size=3").json()["results"]) == 3


@pytest.mark.parametrize("query", [
    "region=knee", "region=wrist_hand", "purpose=strength", "phase=protect", "position=sitting", "equipment=chair",
    "demand=slr", "demand=none",
    "region=knee&phase=load&purpose=strength",
])  # fmt: skip
def test_a_filter_finds_those_that_have_the_code_and_no_others(api, query):
    wanted = [pair.split("=") for pair in query.split("&")]
    right = [
        exercise["slug"] for exercise in load().exercises if all(code in exercise[LISTS[name]] for name, code in wanted)
    ]
    assert slugs(api("alice"), query) == right != []


def test_a_level_is_exact(api):
    right = [exercise["slug"] for exercise in load().exercises if exercise["level"] == 2]
    assert slugs(api("alice"), "level=2") == right != []


def test_a_code_of_which_no_exercise_is_finds_nothing(api):
    Exercise.objects.filter(body_regions__icontains="jaw").delete()
    assert slugs(api("alice"), "region=jaw") == []


def test_a_search_lists_the_nearest_hits_first_over_all_pages(api):
    for slug, name in (("c", "Alpha"), ("b", "Quetzal stand"), ("a", "Quetzal stand on one leg")):
        write(add(f"made-up-{slug}"), "en", name, "Like a quetzal.")
    client = api("alice")
    pages = [client.get("/api/exercises?q=quetz&page_size=1").json()]
    while pages[-1]["next"]:
        pages.append(client.get(pages[-1]["next"]).json())
    assert [page["results"][0]["slug"] for page in pages] == ["made-up-b", "made-up-a", "made-up-c"]
    assert client.get(pages[-1]["previous"]).json()["results"] == pages[1]["results"]


def test_a_search_for_nothing_but_signs_finds_nothing(api):
    assert slugs(api("alice"), "q=%25") == []


def test_a_search_looks_into_the_text_that_is_shown(api):
    exercise = add("made-up")
    write(exercise, "en", "Heron")
    write(exercise, "da", "Hejre på ét ben")
    client = api("alice")
    assert slugs(client, "language=da&q=HEJRE PAA") == ["made-up"]
    assert slugs(client, "language=en&q=hejre") == slugs(client, "language=da&q=heron") == []
    assert slugs(client, "language=da&q=hejre") == ["made-up"]


def test_search_and_filters_narrow_together(api):
    client = api("alice")
    both = slugs(client, "q=band&region=shoulder")
    assert both == [slug for slug in slugs(client, "q=band") if slug in slugs(client, "region=shoulder")] != []


def test_facets_count_what_the_other_filters_leave(api):
    facets = api("alice").get("/api/exercises?region=knee&level=2&page_size=1").json()["facets"]
    knees = [exercise for exercise in load().exercises if "knee" in exercise["body_regions"]]
    easy = [exercise for exercise in load().exercises if exercise["level"] == 2]
    both = [exercise for exercise in knees if exercise["level"] == 2]
    assert facets["level"] == {
        str(level): sum(e["level"] == level for e in knees) for level in sorted({e["level"] for e in knees})
    }
    assert facets["region"]["hip"] == sum("hip" in exercise["body_regions"] for exercise in easy)
    assert facets["purpose"]["strength"] == sum("strength" in exercise["purposes"] for exercise in both)
    assert facets["demand"].get("none", 0) == sum(exercise["demands"] == ["none"] for exercise in both)
    assert facets["status"] == {"reviewed": len(both)}


def test_facets_count_only_what_a_search_has_found(api):
    write(add("made-up", body_regions=["jaw"], level=5), "en", "Heron")
    facets = api("alice").get("/api/exercises?q=heron").json()["facets"]
    assert (facets["region"], facets["level"]) == ({"jaw": 1}, {"5": 1})
    empty = api("alice").get("/api/exercises?q=zebra").json()["facets"]
    assert set(empty) == {*LISTS, "level", "status"}
    assert not any(empty.values())


@pytest.mark.parametrize(("name", "drafts"), [("alice", {}), ("dana", {"draft": 1})])
def test_facets_tell_of_drafts_only_those_who_may_see_them(api, name, drafts):
    add("made-up", status="draft")
    status = api(name).get("/api/exercises").json()["facets"]["status"]
    assert status == {"reviewed": len(load().exercises)} | drafts


def test_the_language_chooses_the_text(api):
    exercise = add("made-up")
    write(exercise, "en", "Heron")
    write(exercise, "da", "Hejre")
    answers = {code: api("alice").get(f"/api/exercises/made-up?language={code}").json() for code in ("en", "da")}
    said = {code: (answer["language"], answer["text"]["name"]) for code, answer in answers.items()}
    assert said == {"en": ("en", "Heron"), "da": ("da", "Hejre")}


def test_the_language_of_a_person_is_the_default(api):
    write(add("made-up"), "da", "Hejre")
    write(Exercise.objects.get(slug="made-up"), "en", "Heron")
    User.objects.filter(username="alice").update(language="da")
    assert api("alice").get("/api/exercises/made-up").json()["text"]["name"] == "Hejre"
    assert slugs(api("alice"), "q=hejre") == ["made-up"]


@pytest.mark.parametrize(("there", "asked"), [("en", "da"), ("da", "en")])
def test_a_missing_text_falls_back_and_says_so(api, there, asked):
    write(add("made-up"), there, "The only name")
    exercise = api("alice").get(f"/api/exercises/made-up?language={asked}").json()
    assert (exercise["language"], exercise["text"]["name"]) == (there, "The only name")


def test_an_exercise_without_any_text_says_that_it_has_none(api):
    add("made-up")
    exercise = api("alice").get("/api/exercises/made-up").json()
    assert (exercise["language"], exercise["text"]) == (None, None)


@pytest.mark.parametrize(("name", "status"), [
    (None, 401), ("alice", 200), ("bob", 200), ("charlie", 200), ("dana", 200),
])  # fmt: skip
@pytest.mark.parametrize("path", ["/api/exercises", "/api/exercises/ankle-alphabet"])
def test_whoever_is_signed_in_may_look(api, path, name, status):
    assert api(name).get(path).status_code == status


@pytest.mark.parametrize(("name", "sees"), [("alice", True), ("bob", True), ("charlie", False), ("dana", True)])
def test_a_clinics_own_exercise_exists_for_its_members_and_staff(api, cast, name, sees):
    add("made-up", clinic_id=cast["alice"].clinic_id)
    client = api(name)
    assert ("made-up" in slugs(client)) == sees
    assert ("made-up" in slugs(client, "q=made")) == sees
    assert client.get("/api/exercises/made-up").status_code == (200 if sees else 404)


@pytest.mark.parametrize("status", ["draft", "retired"])
@pytest.mark.parametrize(("name", "sees"), [("alice", False), ("dana", True)])
def test_what_is_not_reviewed_exists_for_staff_who_ask_for_it(api, name, sees, status):
    add("made-up", status=status)
    client = api(name)
    assert "made-up" not in slugs(client)
    assert slugs(client, f"status={status}") == (["made-up"] if sees else [])
    assert client.get("/api/exercises/made-up").status_code == (200 if sees else 404)


@pytest.mark.parametrize("slug", ["missing", "Ankle-Alphabet", "ankle%00", "%27", "a" * 5000, "..", "%20", "%C3%A5"])
def test_a_slug_that_is_none_is_a_missing_exercise(api, slug):
    answer = api("alice").get(f"/api/exercises/{slug}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")
    assert "run" not in answer.json()["error"]["message"]


@pytest.mark.parametrize(("query", "field"), [
    ("region=nose", "region"), ("purpose=fun", "purpose"), ("phase=later", "phase"), ("position=flying", "position"),
    ("equipment=piano", "equipment"), ("level=0", "level"), ("level=6", "level"), ("level=x", "level"),
    ("demand=flying", "demand"), ("status=lost", "status"), ("q=a&cursor=cD1hYmM%3D", "cursor"),
    ("language=sv", "language"), ("region=", "region"), ("page_size=0", "page_size"), ("q=a%00b", "q"),
    (f"q={'x' * 201}", "q"), ("surprise=1", "surprise"), ("cursor=x", "cursor"), ("cursor=cD1hJTAwYg%3D%3D", "cursor"),
])  # fmt: skip
def test_a_search_that_can_not_be_meant_names_the_parameter(api, query, field):
    answer = api("alice").get(f"/api/exercises?{query}")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "VALIDATION_ERROR")
    assert list(error["fields"]) == [field]


@pytest.mark.parametrize(("query", "field"), [("language=sv", "language"), ("q=knee", "q")])
def test_one_exercise_takes_a_language_only(api, query, field):
    answer = api("alice").get(f"/api/exercises/ankle-alphabet?{query}")
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [field])


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", ["/api/exercises", "/api/exercises/ankle-alphabet"])
def test_the_library_is_only_read(api, path, method):
    answer = getattr(api("alice"), method)(path)
    assert (answer.status_code, "GET" in answer["Allow"]) == (405, True)
