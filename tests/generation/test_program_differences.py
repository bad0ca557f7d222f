"""What is different between two versions, in codes and words."""

import random
from copy import deepcopy

import pytest

from generation.clinical import editing
from generation.clinical.alternatives import alternatives
from generation.clinical.differences import differences
from generation.errors import EditRefused, Invalid
from tests.generation.program_making import SHIPPED, bench, content_for, slugs


@pytest.fixture
def content():
    return content_for()


def edited(content, action, **fields):
    return editing.apply(content, bench(), action, **fields)


def name(slug):
    return SHIPPED[slug]["text"]["en"]["name"]


def test_the_same_is_no_different(content):
    assert differences(content, deepcopy(content), "en") == []


def test_a_swap_is_one_difference(content):
    slug = slugs(content)[1]
    to = alternatives(content, slug, bench())[0]["slug"]
    (found,) = differences(content, edited(content, "swap", slug=slug, to=to), "en")
    assert (found["what"], found["slug"], found["before"], found["after"]) == ("swapped", to, name(slug), name(to))
    assert found["words"] == f"Swapped: {name(slug)} for {name(to)}"


def test_what_came_and_went_elsewhere_is_no_swap(content):
    after = edited(edited(content, "remove", slug=slugs(content)[-1]), "add", slug="seated-march")
    assert [one["what"] for one in differences(content, after, "en")] == ["removed", "added"]


def test_a_move_is_one_difference_with_its_places(content):
    slug = slugs(content)[-1]
    after = content
    for _ in range(3):
        after = edited(after, "move", slug=slug, direction="up")
    (found,) = differences(content, after, "en")
    last = len(content["items"])
    assert (found["what"], found["slug"]) == ("moved", slug)
    assert (found["before"], found["after"]) == (str(last), str(last - 3))


def test_a_dose_and_a_note_are_told_before_and_after(content):
    after = edited(edited(content, "dose", slug="bridge", sets=2), "note", slug="bridge", text="Slowly")
    dose, note = differences(content, after, "da")
    assert (dose["what"], note["what"]) == ("dose", "note")
    assert dose["before"].startswith("3 sets of 10")
    assert dose["after"].startswith("2 sets of 10")
    assert (note["before"], note["after"]) == (None, "Slowly")
    assert note["words"] == f"Bemærkning til {name('bridge')}: ingen → Slowly"


def randomly_edited(content, chance):
    """After a few actions that were not refused."""
    for _ in range(chance.randint(1, 6)):
        action = chance.choice(sorted(editing.ACTIONS))
        slug = chance.choice(slugs(content))
        fields = {
            "swap": {"to": chance.choice(sorted(SHIPPED))},
            "move": {"direction": chance.choice(("up", "down"))},
            "dose": {"sets": chance.randint(1, 5)},
            "note": {"text": chance.choice(("", "Slowly", "Twice"))},
        }
        given = (
            {"slug": chance.choice(sorted(SHIPPED))} if action == "add" else {"slug": slug, **fields.get(action, {})}
        )
        try:
            content = edited(content, action, **given)
        except (EditRefused, Invalid):
            continue
    return content


@pytest.mark.parametrize("seed", range(40))
def test_the_differences_are_enough_to_tell_one_version_from_the_other(content, seed):
    chance = random.Random(seed)
    after = randomly_edited(content, chance)
    found = differences(content, after, "en")
    by = {what: {one["slug"] for one in found if one["what"] == what} for what in ("added", "swapped", "removed")}
    old, new = set(slugs(content)), set(slugs(after))
    assert by["added"] | by["swapped"] == new - old
    assert by["removed"] <= old - new
    assert len(by["removed"]) + len(by["swapped"]) == len(old - new)
    assert (found == []) == (content["items"] == after["items"])
    assert 1 <= len(after["items"]) <= 8
    assert [one for one in after["findings"] if one["severity"] == "error"] == []
