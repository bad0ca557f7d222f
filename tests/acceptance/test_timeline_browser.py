"""The timeline of a run in a real browser: drawn, played again, on a telephone and without scripts."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.acceptance.asking import session_keys
from tests.acceptance.cases import KNEE
from tests.acceptance.conftest import PATIENCE_MS
from tests.support.model_runs import DirectedModel, serving, settings_for
from tests.support.servers import Server

pytestmark = pytest.mark.timeout(180)
WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def model():
    with DirectedModel() as model:
        yield model


@pytest.fixture(scope="module")
def server(model, prepared, tmp_path_factory, django_db_blocker):
    folder = tmp_path_factory.mktemp("timeline-browser")
    given = settings_for(model, "good-at-40")
    with serving("daphne", folder, prepared.copy_to(folder), django_db_blocker.unblock, **given) as server:
        yield server


@pytest.fixture(scope="module")
def retried(server, model) -> str:
    """A run whose model was busy at first."""
    model.plays = "busy-after-1-once-at-400"
    run_id = server.start_run(KNEE)["id"]
    ended(server, run_id)
    return run_id


@pytest.fixture(scope="module")
def stopped(server, model) -> str:
    """A run that was cancelled while its model wrote."""
    model.plays = "good-at-20"
    before = len(model.calls)
    run_id = server.start_run(KNEE)["id"]
    call = model.wait_for_calls(before + 1)[-1]
    model.wait_for_tokens(call, 5)
    with server.client() as client:
        client.post(f"/api/runs/{run_id}/cancel").raise_for_status()
    ended(server, run_id)
    return run_id


def ended(server: Server, run_id: str) -> None:
    with server.client() as client:
        # The stream is over when the run is.
        client.get(f"/api/runs/{run_id}/stream").raise_for_status()


def log_of(server: Server, run_id: str) -> list[dict]:
    with server.client() as client:
        return client.get(f"/api/runs/{run_id}/events?wait=0").json()["events"]


async def open_as_staff(page: Page, server: Server, run_id: str) -> None:
    page.set_default_timeout(PATIENCE_MS)
    session = {"name": "sessionid", "value": session_keys(server)["dana"], "url": server.base_url}
    await page.context.add_cookies([session])
    await page.goto(f"{server.base_url}/admin/generation/run/by-id/{run_id}/")


def seen(page: Page, name: str):
    return page.locator(f'#replay [data-show="{name}"]')


async def test_a_run_is_played_again_to_its_end_with_button_and_keyboard(server, retried, page):
    log = log_of(server, retried)
    items = sum(event["event"] == "item" for event in log)
    await open_as_staff(page, server, retried)
    await expect(seen(page, "status")).to_have_text("Queued")
    slider = page.get_by_role("slider", name="Event")
    await slider.focus()
    await page.keyboard.press("ArrowRight")
    await expect(slider).to_have_value("2")
    await expect(seen(page, "status")).to_have_text("Running")
    await expect(seen(page, "stage")).to_have_text("started")
    await expect(page.locator("#playhead")).to_have_attribute("visibility", "visible")
    await page.keyboard.press("End")
    await expect(slider).to_have_attribute("aria-valuetext", f"event {len(log)} of {len(log)}: complete")
    await expect(seen(page, "items")).to_have_text(str(items))
    await expect(seen(page, "remained")).to_have_text("0 ms")
    await expect(seen(page, "status")).to_have_text("Succeeded")

    await page.get_by_label("Speed").select_option("16")
    await page.get_by_role("button", name="Play").click()
    await expect(page.get_by_role("button", name="Stop here")).to_be_visible()
    await expect(page.get_by_role("button", name="Play")).to_be_visible(timeout=PATIENCE_MS)
    await expect(seen(page, "last")).to_have_text(re.compile("^complete"))
    await page.get_by_role("button", name="One back").click()
    await expect(page.locator("#replay-told")).to_have_text(re.compile(f"^event {len(log) - 1} of {len(log)}"))


async def test_the_drawing_tells_of_the_wait_for_a_busy_model_and_is_there_as_a_table(server, retried, page):
    await open_as_staff(page, server, retried)
    drawing = page.get_by_role("img", name="Where the time went")
    await expect(drawing).to_be_visible()
    calls = drawing.locator('[data-lane="calls"] .bar')
    assert [await bar.get_attribute("data-state") for bar in await calls.all()] == ["failed", "retry", "answered"]
    await page.get_by_text("The same as a table").first.click()
    table = page.get_by_role("region", name="The same as a table")
    await expect(table.get_by_role("row", name=re.compile("Model calls waits to ask again"))).to_be_visible()
    await expect(page.get_by_role("img", name="The end as it was foretold")).to_be_visible()


async def test_a_cancel_is_told_to_the_millisecond_on_a_telephone_in_the_dark(server, stopped, browser):
    closed_ms = log_of(server, stopped)[-1]["data"]["upstream_closed_ms"]
    said = f"call to the model closed after {closed_ms} ms" if closed_ms else "call to the model closed at once"
    context = await browser.new_context(viewport={"width": 360, "height": 740}, color_scheme="dark")
    page = await context.new_page()
    await open_as_staff(page, server, stopped)
    await expect(page.get_by_text(said)).to_be_visible()
    await expect(page.locator("html")).to_have_class(re.compile("dark"))
    assert not await page.evaluate(WIDE)
    # Nothing of the drawing is written over something else.
    assert await page.evaluate(
        """() => [...document.querySelectorAll('.gantt .lane')].every((lane) => {
          const [name, summary] = ['.name', '.summary'].map((part) => lane.querySelector(part).getBoundingClientRect());
          return name.right < summary.left && summary.right <= innerWidth;
        })"""
    )
    await page.get_by_role("button", name="To the end").click()
    await expect(seen(page, "status")).to_have_text("Cancelled")
    await context.close()


async def test_without_scripts_the_drawing_and_the_log_are_there(server, retried, browser):
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await open_as_staff(page, server, retried)
    await expect(page.get_by_role("img", name="Where the time went")).to_be_visible()
    await expect(page.get_by_text("The replay needs scripts")).to_be_visible()
    await page.get_by_text(re.compile(r"^The log \(")).click()
    await expect(page.get_by_role("region", name="The log")).to_contain_text("stage_complete")
    await context.close()
