"""The dashboard as an operator uses it: with the mouse, with the keyboard alone, on a phone and in the dark."""

import csv
import io
import re
import subprocess
import sys

import pytest
from playwright.async_api import Browser, Page, expect

from tests.acceptance.conftest import PATIENCE_MS
from tests.support.servers import ROOT, Server

pytestmark = pytest.mark.timeout(180)
# Whether a canvas has anything on it but its background.
DRAWN = """
canvas => new Set(new Uint32Array(
  canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer
)).size > 3
"""
WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
INK = "Chart.getChart('stage-durations').options.plugins.legend.labels.color"


@pytest.fixture(scope="module")
def server(prepared, tmp_path_factory):
    """A server with a month of history behind it, which no test here changes."""
    folder = tmp_path_factory.mktemp("dashboard")
    server = Server("daphne", folder, prepared.copy_to(folder), {})
    subprocess.run([sys.executable, "-m", "tests.support.history", "900", "10"], cwd=ROOT, env=server.env, check=True)
    yield server.start()
    server.close()


async def open_dashboard(page: Page, server, query: str = "") -> None:
    account = server.cast["dana"]
    await page.goto(f"{server.base_url}/admin/login/?next=/admin/")
    await page.get_by_label("Username").fill(account.username)
    await page.get_by_label("Password").fill(account.password)
    await page.get_by_role("button", name="Log in").click()
    if query:
        await page.goto(f"{server.base_url}/admin/metrics/dashboard/?{query}")
    else:
        await page.get_by_role("link", name="Dashboard").first.click()
    await expect(page.get_by_role("heading", name="How long stages take")).to_be_visible()


def panel(page: Page, name: str):
    return page.get_by_role("article", name=name)


async def rows_of(page: Page, name: str) -> list[list[str]]:
    table = panel(page, name).get_by_role("table")
    return [await row.locator("th, td").all_inner_texts() for row in await table.get_by_role("row").all()]


async def test_every_chart_is_drawn_and_named(server, page):
    await open_dashboard(page, server)
    charts = await page.locator(".dashboard canvas").all()
    assert len(charts) >= 12
    for chart in charts:
        assert await chart.evaluate(DRAWN)
        heading = await chart.evaluate("canvas => canvas.closest('article').querySelector('h3').textContent")
        assert (await chart.get_attribute("aria-label")).startswith(f"Chart: {heading}")


async def test_history_is_narrowed_read_in_a_table_and_downloaded(server, page):
    await open_dashboard(page, server)
    await page.get_by_role("combobox", name="Kind").select_option("procedure")
    await page.get_by_role("combobox", name="Model").select_option("large")
    await page.get_by_role("button", name="Show").click()
    await expect(page).to_have_url(re.compile("kind=procedure&model=large"))
    name = "Tokens and cost by model"
    await panel(page, name).get_by_text("Table").click()
    head, row = await rows_of(page, name)
    assert head[:2] == ["Model", "Runs"]
    assert row[0] == "large"
    async with page.expect_download() as download:
        await panel(page, name).get_by_role("link", name="Download CSV").click()
    file = await (await download.value).path()
    assert (await download.value).suggested_filename.startswith("usage-model-")
    lines = list(csv.reader(io.StringIO(file.read_text())))
    assert lines[0] == head
    assert [float(value) for value in lines[1][1:]] == [float(cell.replace(",", "")) for cell in row[1:]]


async def test_a_chart_leads_to_its_metrics_and_a_metric_to_its_run(server, page):
    await open_dashboard(page, server, "kind=procedure")
    await panel(page, "How runs end").get_by_text("Table").click()
    link = panel(page, "How runs end").get_by_role("rowheader").nth(3).get_by_role("link")
    day = await link.inner_text()
    await link.click()
    await expect(page).to_have_url(re.compile(f"runmetric/.*created_at__gte={day}"))
    shown = page.locator("#result_list tbody tr")
    await expect(shown.first).to_contain_text("procedure")
    await expect(shown.first.locator("a").last).to_have_attribute("href", re.compile("/admin/generation/run/by-id/"))


async def test_it_is_used_with_the_keyboard_alone(server, page):
    await open_dashboard(page, server)
    await page.get_by_role("combobox", name="Kind").focus()
    await page.keyboard.type("proc")
    for _ in range(12):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.type") == "submit":
            break
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile("kind=procedure"))
    summary = panel(page, "How long stages take").locator("summary")
    await summary.focus()
    await page.keyboard.press("Enter")
    await expect(panel(page, "How long stages take").get_by_role("table")).to_be_visible()
    await page.keyboard.press("Tab")
    # A table that is wider than its panel is scrolled with the arrow keys.
    assert await page.evaluate("document.activeElement.getAttribute('role')") == "region"
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.closest('tr') !== null")


async def test_a_wrong_value_is_said_and_the_rest_is_shown(server, page):
    await open_dashboard(page, server, "kind=nothing&from=someday")
    await expect(page.get_by_role("alert")).to_contain_text("No run was of the kind “nothing”")
    await expect(page.get_by_role("alert")).to_contain_text("A day is written like 2026-01-31")
    assert await page.locator(".dashboard canvas").first.evaluate(DRAWN)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_fits_a_phone_and_follows_the_theme(server, browser: Browser, scheme):
    context = await browser.new_context(viewport={"width": 360, "height": 740}, color_scheme=scheme)
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    await open_dashboard(page, server, "kind=procedure")
    assert not await page.evaluate(WIDE)
    for summary in await page.locator(".dashboard summary").all():
        await summary.click()
    assert not await page.evaluate(WIDE)
    before = await page.evaluate(INK)
    # The theme's own switch, which first makes "as the system" light.
    for _ in range(2 if scheme == "light" else 1):
        await page.keyboard.press("Control+e")
    await page.wait_for_function(f"{INK} !== '{before}'")
    await context.close()
