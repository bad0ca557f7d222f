"""A batch as a clinician meets it: from the file to the last row, with and without scripts."""

import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.acceptance.cases import CAUDA_EQUINA, KNEE, NONSENSE
from tests.acceptance.conftest import PATIENCE_MS
from tests.acceptance.test_browser import sign_in

pytestmark = pytest.mark.timeout(180)

CASES = (KNEE, CAUDA_EQUINA, NONSENSE, KNEE)
FILE = "prompt;mrn\n" + "".join(f'"{case}";AB-10{row}\n' for row, case in enumerate(CASES))
ALL_DONE = "4 of 4 done, 1 refer, 1 needs more information"
# Keeps what the status region ever said, and survives no reload.
LISTEN = """
addEventListener('DOMContentLoaded', () => {
  window.said = [];
  const region = document.querySelector('#status');
  if (region) new MutationObserver(() => said.push(region.textContent)).observe(region, { childList: true });
});
"""


def start(server, *cases: str) -> str:
    """Start a batch by the API; returns the address of its page."""
    body = {"kind": "exercise_program", "inputs": [{"prompt": case} for case in cases]}
    with server.client() as client:
        answer = client.post("/api/batches", json=body)
    assert answer.status_code == 201, answer.text
    return f"{server.base_url}/batches/{answer.json()['id']}/"


async def upload(page: Page, text: str, parallel: str = "") -> None:
    await page.get_by_role("link", name="Batch").click()
    file = {"name": "cases.csv", "mimeType": "text/csv", "buffer": text.encode("utf-8-sig")}
    await page.get_by_label("CSV file").set_input_files(file)
    await page.get_by_label("At a time").fill(parallel)
    await page.get_by_role("button", name="Start the batch").click()


def row(page: Page, number: int):
    return page.locator(f"#row-{number}")


def totals(page: Page):
    return page.locator("main .totals")


async def test_from_the_file_to_the_last_row(kind, make_server, page):
    server = make_server(kind, COMPOSER_PACE_S=0.5)
    await page.add_init_script(LISTEN)
    await sign_in(page, server)
    await upload(page, FILE, parallel="2")
    await expect(page.get_by_role("heading", name="Batch of 4 cases")).to_be_visible()
    await expect(page.get_by_text("2 at a time")).to_be_visible()
    await expect(row(page, 1)).to_contain_text("Composing the program", timeout=PATIENCE_MS)
    await expect(row(page, 1)).to_contain_text("••••00")
    await expect(totals(page)).to_have_text(ALL_DONE, timeout=PATIENCE_MS)
    await expect(page).to_have_title(re.compile("^Batch finished"))
    await expect(page.locator("#status")).to_have_text(f"Batch finished: {ALL_DONE}", timeout=PATIENCE_MS)
    assert all(re.match(r"(Batch finished: )?\d of 4 done", said) for said in await page.evaluate("said"))
    await expect(page.get_by_role("button", name="Cancel", exact=False)).to_have_count(0)
    await expect(row(page, 2)).to_contain_text("cauda equina")
    await row(page, 4).get_by_role("link", name="home exercises").click()
    await expect(page.get_by_role("heading", name="Exercises", exact=True)).to_be_visible()


async def test_a_row_is_cancelled_and_started_again_in_its_place(make_server, page):
    server = make_server("daphne", COMPOSER_PACE_S=0.7)
    await sign_in(page, server)
    await page.goto(start(server, KNEE, KNEE))
    await page.evaluate("window.sameDocument = true")
    await row(page, 2).get_by_role("button", name="Cancel").click()
    await expect(row(page, 2)).to_contain_text("Cancelled by alice", timeout=PATIENCE_MS)
    await expect(row(page, 1).get_by_role("button", name="Cancel")).to_be_visible()
    assert await page.evaluate("document.activeElement.closest('tr').id") == "row-2"
    await expect(totals(page)).to_have_text("2 of 2 done, 1 cancelled", timeout=PATIENCE_MS)
    await row(page, 2).get_by_role("button", name="Retry").click()
    await expect(row(page, 2)).to_contain_text("Composing the program", timeout=PATIENCE_MS)
    await expect(totals(page)).to_have_text("2 of 2 done", timeout=PATIENCE_MS)
    assert await page.evaluate("window.sameDocument")


async def test_all_are_cancelled_and_started_again(make_server, page):
    server = make_server("uvicorn", COMPOSER_PACE_S=0.7)
    await sign_in(page, server)
    await page.goto(start(server, KNEE, KNEE, KNEE))
    await page.get_by_role("button", name="Cancel all").click()
    await expect(totals(page)).to_have_text("3 of 3 done, 3 cancelled", timeout=PATIENCE_MS)
    await expect(page.get_by_role("button", name="Cancel all")).to_be_hidden()
    await page.get_by_role("button", name="Retry failed and cancelled").click()
    await expect(totals(page)).to_have_text("3 of 3 done", timeout=PATIENCE_MS)
    await expect(page.locator("tbody").get_by_role("link", name="home exercises")).to_have_count(3)


async def test_what_needs_attention_moves_up_as_it_happens(make_server, page):
    server = make_server("daphne", COMPOSER_PACE_S=0.2)
    await sign_in(page, server)
    await page.goto(f"{start(server, *CASES)}?show=attention")
    await expect(totals(page)).to_have_text(ALL_DONE, timeout=PATIENCE_MS)
    assert await page.locator("tbody th").all_inner_texts() == ["2", "3", "1", "4"]


async def test_a_restart_in_the_middle_is_survived(kind, make_server, page):
    server = make_server(kind, COMPOSER_PACE_S=0.7)
    await sign_in(page, server)
    await page.goto(start(server, KNEE, KNEE))
    await expect(row(page, 1)).to_contain_text("Composing the program", timeout=PATIENCE_MS)
    server.kill()
    await expect(page.locator(".connection")).not_to_have_text("Live", timeout=PATIENCE_MS)
    server.start()
    await expect(totals(page)).to_have_text("2 of 2 done", timeout=60_000)


async def test_who_is_signed_out_is_told_so(make_server, page):
    server = make_server("daphne", COMPOSER_PACE_S=3)
    await sign_in(page, server)
    await page.goto(start(server, KNEE))
    await expect(page.locator(".connection")).to_have_text("Live", timeout=PATIENCE_MS)
    await page.context.clear_cookies()
    server.kill()
    server.start()
    alert = page.get_by_role("alert").filter(has_text="You are signed out")
    await expect(alert.get_by_role("link", name="Sign in")).to_be_visible(timeout=60_000)


async def test_faults_are_shown_by_row_and_the_text_is_kept(standing_server, page):
    await sign_in(page, standing_server)
    await page.get_by_role("link", name="Batch").click()
    pasted = f"{KNEE}\n\ntoo short"
    await page.get_by_label("Cases").fill(pasted)
    await page.get_by_role("button", name="Start the batch").click()
    faults = page.get_by_role("alert").locator("tbody tr")
    await expect(faults).to_have_count(1)
    await expect(faults.get_by_role("rowheader")).to_have_text("3")
    await expect(page.get_by_label("Cases")).to_have_value(pasted)


async def test_too_large_a_file_is_refused_before_it_is_sent(standing_server, page):
    await sign_in(page, standing_server)
    await upload(page, "prompt\n" + f"{KNEE}\n" * 2000)
    await expect(page.get_by_role("alert")).to_contain_text("more than 256 KB")
    await expect(page).to_have_url(f"{standing_server.base_url}/batches/new/")


async def test_it_works_without_scripts(make_server, browser: Browser):
    server = make_server("daphne", COMPOSER_PACE_S=0.3)
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    await sign_in(page, server)
    await upload(page, FILE)
    await expect(totals(page)).to_have_text(ALL_DONE, timeout=PATIENCE_MS)
    await page.get_by_role("link", name="Needs attention first").click()
    await expect(page.locator("tbody th").first).to_have_text("2")


async def test_it_fits_a_phone_in_the_dark(make_server, browser: Browser):
    server = make_server("daphne", COMPOSER_PACE_S=0.2)
    context = await browser.new_context(viewport={"width": 360, "height": 740}, color_scheme="dark")
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    await sign_in(page, server)
    await page.goto(f"{server.base_url}/batches/new/")
    assert not await page.evaluate(wide)
    await page.goto(start(server, *CASES))
    assert not await page.evaluate(wide)
    await expect(totals(page)).to_have_text(ALL_DONE, timeout=PATIENCE_MS)
    assert not await page.evaluate(wide)
