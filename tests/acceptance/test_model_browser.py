"""A model writes the program before a clinician's eyes: card by card, with a Cancel that reaches the model server."""

import asyncio
import re

import pytest
from playwright.async_api import expect

from tests.acceptance.cases import KNEE
from tests.acceptance.conftest import PATIENCE_MS
from tests.acceptance.test_browser import dialog_of, generate, sign_in
from tests.support.model_runs import DirectedModel, kept_calls, serving, settings_for

pytestmark = pytest.mark.timeout(180)

MODEL = "good-at-40"
CLOSED_WITHIN_S = 2
FELL_BACK = {
    "en": "The model server failed; rules write the program.",
    "da": "Modelserveren svigtede; regler skriver programmet.",
}
# Keeps what the view has shown: how many cards there were, and where the bar stood, at each change of either.
WATCH = """
window.shown = [];
addEventListener('DOMContentLoaded', () => {
  const note = () => {
    const live = document.querySelector('#live[open]');
    if (!live) return;
    const now = [live.querySelectorAll('.cards > li').length, live.querySelector('progress').value];
    const last = window.shown.at(-1);
    if (!last || last[0] !== now[0] || last[1] !== now[1]) window.shown.push(now);
  };
  const root = document.querySelector('#live');
  if (root) new MutationObserver(note).observe(root, { childList: true, subtree: true, attributes: true });
});
"""


@pytest.fixture(scope="module")
def model():
    with DirectedModel() as model:
        yield model


@pytest.fixture(scope="module")
def server(model, prepared, tmp_path_factory, django_db_blocker):
    folder = tmp_path_factory.mktemp("model-browser")
    given = settings_for(model, MODEL, COMPOSER_PACE_S=0.5)
    with serving("daphne", folder, prepared.copy_to(folder), django_db_blocker.unblock, **given) as server:
        yield server


@pytest.fixture
def calls(model):
    """The calls that this test has led to."""
    before, model.plays = len(model.calls), ""
    return lambda: model.calls[before:]


async def test_cards_appear_one_by_one_while_the_bar_moves(server, calls, page):
    await page.add_init_script(WATCH)
    await sign_in(page, server)
    await generate(page, KNEE)
    cards = dialog_of(page).locator(".cards > li")
    await expect(cards).to_have_count(1, timeout=PATIENCE_MS)
    [call] = calls()
    assert call.tokens_sent < 150
    await expect(cards).to_have_count(4, timeout=PATIENCE_MS)
    shown = await page.evaluate("window.shown")
    counts = [count for count, _ in shown]
    assert counts == sorted(counts)
    assert set(counts) >= {0, 1, 2, 3, 4}
    bars = [bar for _, bar in shown]
    assert bars == sorted(bars)
    # Between one card and the next one, too.
    assert len({bar for count, bar in shown if count == 0 and 40 < bar < 70}) >= 2
    await expect(page.get_by_role("heading", name="Exercises", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    run = server.snapshot(re.search(r"/runs/([\w-]+)/", page.url)[1])
    made = await page.locator("#program .exercise h3").all_inner_texts()
    assert made == [item["name"] for item in run["result"]["program"]["items"]]
    assert run["result"]["engine_used"] == "llm"


async def test_cancel_by_the_button_closes_the_call(server, model, calls, page):
    await sign_in(page, server)
    await generate(page, KNEE)
    dialog = dialog_of(page)
    await expect(dialog.locator(".cards > li")).not_to_have_count(0, timeout=PATIENCE_MS)
    [call] = calls()
    await dialog.get_by_role("button", name="Cancel", exact=True).click()
    await expect(page.get_by_text("Generation cancelled").first).to_be_visible(timeout=PATIENCE_MS)
    await asyncio.to_thread(model.wait_closed, call)
    assert not call.finished
    await expect(page.get_by_label("Case")).to_have_value(KNEE)
    with server.client() as client:
        run = client.get("/api/runs").json()["results"][0]
        log = client.get(f"/api/runs/{run['id']}/events?wait=0").json()["events"]
    assert run["status"] == "cancelled"
    assert 0 <= log[-1]["data"]["upstream_closed_ms"] <= CLOSED_WITHIN_S * 1000
    assert [kept.outcome for kept in kept_calls(server, run["id"])] == ["broken"]
    assert len(calls()) == 1


@pytest.mark.parametrize("language", FELL_BACK)
async def test_that_the_rules_took_over_is_said_while_they_write_and_on_the_program(
    server, model, calls, page, language
):
    model.plays = "status-401"
    await sign_in(page, server)
    await page.get_by_label("Language of the program").select_option(language)
    await generate(page, KNEE)
    warning = dialog_of(page).locator(".live-warnings")
    await expect(warning).to_contain_text(FELL_BACK[language], timeout=PATIENCE_MS)
    await expect(warning).to_be_visible()
    await expect(page.get_by_role("heading", name="Exercises", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    await expect(page.locator("main").get_by_text(FELL_BACK[language])).to_be_visible()
    await page.reload()
    await expect(page.locator("main").get_by_text(FELL_BACK[language])).to_be_visible()
    assert [call.status for call in calls()] == [401]


async def test_what_is_said_in_the_language_of_the_program_is_marked_so(server, model, calls, page):
    """A reader that speaks would else say Danish with an English tongue."""
    model.plays = "status-401"
    await sign_in(page, server)
    await page.get_by_label("Language of the program").select_option("da")
    await generate(page, KNEE)
    await expect(dialog_of(page).locator(".cards > li")).not_to_have_count(0, timeout=PATIENCE_MS)
    for place in (".live-warnings", ".cards"):
        assert await dialog_of(page).locator(place).get_attribute("lang") == "da"


async def test_a_wait_for_a_busy_server_is_said(server, model, calls, page):
    model.plays = "busy-after-2"
    await sign_in(page, server)
    await generate(page, KNEE)
    wait = dialog_of(page).get_by_text(re.compile("model server is busy, trying again in [23] s"))
    await expect(wait).to_be_visible(timeout=PATIENCE_MS)
    model.plays = "good-at-200"
    await expect(page.get_by_role("heading", name="Exercises", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    assert [call.status for call in calls()] == [429, 200]
