"""The pages as a clinician uses them, in a real browser, through a cancel, a reload and a restart."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Error, Page, Route, expect

from tests.acceptance.cases import CAUDA_EQUINA, KNEE, NONSENSE
from tests.acceptance.conftest import PATIENCE_MS

pytestmark = pytest.mark.timeout(180)
BAR = "document.querySelector('#live[open] progress')?.value ?? null"


async def sign_in(page: Page, server) -> None:
    account = server.cast["alice"]
    await page.goto(f"{server.base_url}/")
    await page.get_by_label("Username").fill(account.username)
    await page.get_by_label("Password").fill(account.password)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Home exercise program")).to_be_visible()


async def generate(page: Page, case: str) -> None:
    await page.get_by_label("Case").fill(case)
    await page.get_by_role("button", name="Generate program").click()


def dialog_of(page: Page):
    return page.get_by_role("dialog", name="Writing the program")


async def test_from_sign_in_to_the_result(kind, make_server, page):
    server = make_server(kind, COMPOSER_PACE_S=0.5)
    await sign_in(page, server)
    await generate(page, KNEE)
    dialog = dialog_of(page)
    await expect(dialog).to_be_visible()
    await expect(dialog.locator(".cards > li")).not_to_have_count(0, timeout=PATIENCE_MS)
    await expect(dialog.get_by_text("Draft").first).to_be_visible()
    seen: list[float] = []
    # Read at once, or not at all: the result may open between two calls, or within one.
    with contextlib.suppress(Error):
        while (value := await page.evaluate(BAR)) is not None:
            seen.append(value)
            await page.wait_for_timeout(50)
    assert seen == sorted(seen) != []
    await page.wait_for_url("**/runs/*/", timeout=PATIENCE_MS)
    await expect(page.get_by_role("heading", name="Exercises", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    await expect(page.get_by_text("2 sets of 10").first).to_be_visible()
    await expect(page.get_by_role("heading", name="Stop and call")).to_be_visible()


@pytest.mark.parametrize("way", ["button", "cross", "escape"])
async def test_cancel_keeps_the_form(make_server, page, way):
    server = make_server("daphne", COMPOSER_PACE_S=3)
    await sign_in(page, server)
    await generate(page, KNEE)
    await expect(dialog_of(page)).to_be_visible()
    await expect(dialog_of(page).locator("[data-stage=generating]")).to_have_attribute("data-state", "now")
    if way == "escape":
        await page.keyboard.press("Escape")
    else:
        name = {"button": "Cancel", "cross": "Cancel generation"}[way]
        await dialog_of(page).get_by_role("button", name=name, exact=True).click()
    await expect(page.get_by_text("Generation cancelled").first).to_be_visible(timeout=PATIENCE_MS)
    await expect(dialog_of(page)).to_be_hidden()
    await expect(page.get_by_label("Case")).to_have_value(KNEE)
    with server.client() as client:
        (run,) = client.get("/api/runs").json()["results"]
    assert run["status"] == "cancelled"


async def test_a_run_is_paused_and_goes_on(make_server, page):
    server = make_server("daphne", COMPOSER_PACE_S=0.7)
    await sign_in(page, server)
    await generate(page, KNEE)
    dialog = dialog_of(page)
    await expect(dialog.locator(".cards > li").first).to_be_visible(timeout=PATIENCE_MS)
    await dialog.get_by_role("button", name="Pause", exact=True).click()
    await expect(dialog.locator(".stage-words")).to_have_text("Paused", timeout=PATIENCE_MS)
    # Whoever comes later finds it as it is, and may go on.
    await page.reload()
    await dialog.get_by_role("button", name="Resume", exact=True).click()
    await expect(page.get_by_role("heading", name="Exercises", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    with server.client() as client:
        (run,) = client.get("/api/runs").json()["results"]
    assert (run["status"], run["attempt"]) == ("succeeded", 2)


@contextlib.asynccontextmanager
async def scripts_held(page: Page, server) -> AsyncIterator[asyncio.Event]:
    """The generate page, whose scripts run once the event is set."""
    held = asyncio.Event()

    async def hold(route: Route) -> None:
        await held.wait()
        await route.continue_()

    await page.route("**/generation/api.js", hold)
    await page.goto(f"{server.base_url}/", wait_until="commit")
    yield held
    await page.unroute("**/generation/api.js")


async def test_a_click_that_overtakes_the_scripts_hits_its_button(standing_server, page):
    """What moves under the pointer between press and release takes the click away, and nothing says so."""
    await sign_in(page, standing_server)
    async with scripts_held(page, standing_server) as held:
        await page.get_by_label("Case").fill(KNEE)
        await page.get_by_role("button", name="Generate program").hover()
        await page.mouse.down()
        held.set()
        await expect(page.locator("#prompt-counter")).to_contain_text("of 4000")
        await page.mouse.up()
        await expect(page.get_by_role("heading", name="Exercises", exact=True)).to_be_visible(timeout=PATIENCE_MS)


async def test_a_switch_that_overtakes_the_scripts_stays_as_it_was_put(standing_server, page):
    await sign_in(page, standing_server)
    async with scripts_held(page, standing_server) as held:
        switch = page.get_by_role("switch", name="Show live progress")
        await switch.uncheck()
        held.set()
        await expect(page.locator("#prompt-counter")).to_contain_text("more characters")
        await expect(switch).not_to_be_checked()


async def test_what_needs_scripts_is_not_offered_without_them(standing_server, browser):
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await sign_in(page, standing_server)
    await expect(page.get_by_role("button", name="Generate program")).to_be_visible()
    await expect(page.get_by_role("switch")).to_be_hidden()
    await expect(page.get_by_role("button", name="Use an example case")).to_be_hidden()
    await context.close()


async def test_without_scripts_it_is_paused_and_goes_on_too(make_server, browser):
    server = make_server("daphne", COMPOSER_PACE_S=0.7)
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await sign_in(page, server)
    await generate(page, KNEE)
    await page.get_by_role("button", name="Pause").click()
    resume = page.get_by_role("button", name="Resume")
    await expect(resume).to_be_visible(timeout=PATIENCE_MS)
    await resume.click()
    await expect(page.get_by_role("heading", name="Exercises", exact=True)).to_be_visible(timeout=60_000)
    await context.close()


async def test_a_reload_in_the_middle_rebuilds_the_view(make_server, page):
    server = make_server("uvicorn", COMPOSER_PACE_S=1.5)
    await sign_in(page, server)
    await generate(page, KNEE)
    cards = dialog_of(page).locator(".cards > li")
    await expect(cards).to_have_count(2, timeout=PATIENCE_MS)
    await page.reload()
    await expect(dialog_of(page)).to_be_visible()
    await expect(cards.nth(1)).to_be_visible(timeout=PATIENCE_MS)
    await expect(page.get_by_role("heading", name="Exercises", exact=True)).to_be_visible(timeout=PATIENCE_MS)


async def test_a_restart_in_the_middle_is_survived(kind, make_server, page):
    server = make_server(kind, COMPOSER_PACE_S=1)
    await sign_in(page, server)
    await generate(page, KNEE)
    await expect(dialog_of(page).locator(".cards > li")).to_have_count(2, timeout=PATIENCE_MS)
    server.kill()
    await expect(dialog_of(page).locator(".connection")).not_to_have_text("Live", timeout=PATIENCE_MS)
    server.start()
    await expect(page.get_by_role("heading", name="Exercises", exact=True)).to_be_visible(timeout=60_000)
    names = await page.locator("article.exercise h3, li.exercise h3").all_inner_texts()
    assert len(names) == len(set(names)) >= 4


async def test_without_streaming_it_waits_and_shows_the_result(make_server, page):
    server = make_server("daphne", COMPOSER_PACE_S=0.5)
    await sign_in(page, server)
    # The form posts by itself until its scripts are there.
    await expect(page.locator("#prompt-counter")).to_contain_text("more characters")
    await page.get_by_role("switch", name="Show live progress").uncheck()
    await generate(page, KNEE)
    await expect(page.locator(".skeleton").first).to_be_visible()
    await expect(page.get_by_role("heading", name="Exercises", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    await page.goto(f"{server.base_url}/")
    await expect(page.get_by_role("switch", name="Show live progress")).not_to_be_checked()


@pytest.mark.parametrize("case", [CAUDA_EQUINA, NONSENSE])
async def test_a_referral_and_a_lack_of_facts_show_no_exercises(standing_server, page, case):
    await sign_in(page, standing_server)
    await generate(page, case)
    await page.wait_for_url("**/runs/*/", timeout=PATIENCE_MS)
    await expect(dialog_of(page)).to_be_hidden(timeout=PATIENCE_MS)
    await expect(page.locator("main h1")).to_be_visible()
    assert await page.get_by_role("heading", name="Exercises", exact=True).count() == 0
    if case == CAUDA_EQUINA:
        await expect(page.get_by_text("saddle numbness").first).to_be_visible()


async def test_history_shows_what_ran(standing_server, page):
    await sign_in(page, standing_server)
    standing_server.start_run(KNEE)
    await page.get_by_role("link", name="History").click()
    await expect(page.get_by_text("Program", exact=False).first).to_be_visible()


async def test_it_fits_a_phone_in_the_dark(make_server, browser):
    server = make_server("daphne", COMPOSER_PACE_S=1)
    context = await browser.new_context(viewport={"width": 360, "height": 740}, color_scheme="dark")
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    await sign_in(page, server)
    await generate(page, KNEE)
    await expect(dialog_of(page)).to_be_visible()
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not await page.evaluate(wide)
    await expect(page.get_by_role("heading", name="Exercises", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    assert not await page.evaluate(wide)
