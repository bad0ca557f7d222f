"""From a Danish case to the patient's telephone, in a real browser: what issue 4 asks to be seen working."""

import io
import re

import pytest
from playwright.async_api import Locator, Page, expect
from pypdf import PdfReader

from generation.clinical.data_files import read
from tests.acceptance.conftest import PATIENCE_MS
from tests.acceptance.test_browser import generate, sign_in

pytestmark = pytest.mark.timeout(240)
CASE = (
    "68-årig kvinde med slidgigt i venstre knæ gennem 8 måneder. Smerter 4/10 på trapper, 5/10 når det er værst. "
    "Ingen fald, velreguleret blodtryk. Har stol og trappe hjemme. Vil gerne kunne gå på trapper."
)
WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


async def names(page: Page) -> list[str]:
    return await page.locator("#program .exercise h3").all_inner_texts()


async def test_a_danish_case_becomes_a_hand_out_and_a_link_on_a_telephone(make_server, page, browser):
    server = make_server("daphne")
    await sign_in(page, server)
    await page.get_by_label("Language of the program").select_option("da")
    await generate(page, CASE)
    understood = page.get_by_role("region", name="What was understood")
    await expect(understood).to_be_visible(timeout=PATIENCE_MS)

    await correct_the_side(page, understood)
    await swap_the_first(page)
    await move_the_second_up(page)
    handout = page.get_by_role("link", name="Hand-out")
    mark = read("handout")["da"]["draft"]
    assert mark in await text_of(page, await pdf_of(handout))
    await page.get_by_role("button", name="Approve the program").click()
    await expect(page.get_by_text("Approved by alice")).to_be_visible()
    program, chosen = page.url, await names(page)
    assert len(chosen) >= 4

    text = await text_of(page, await pdf_of(handout))
    await handout.click()
    await expect(page.get_by_role("button", name="PDF")).to_be_visible()
    for name in chosen:
        assert name in text
    assert "højre" in text
    assert mark not in text

    await page.goto(program)
    await page.get_by_role("link", name="Share").click()
    await page.get_by_role("button", name="Make a link").click()
    address = await page.locator("a.address").inner_text()
    await on_a_telephone(browser, address, chosen)


async def correct_the_side(page: Page, understood) -> None:
    before = page.url
    chip = understood.locator("summary", has_text="Side")
    await expect(chip).to_contain_text("left")
    await chip.click()
    await understood.get_by_label("Side", exact=True).select_option("right")
    await page.get_by_role("button", name="Generate again with the corrections").click()
    await page.wait_for_url(lambda url: url != before and "/runs/" in url, timeout=PATIENCE_MS)
    await expect(understood.locator("summary", has_text="Side")).to_contain_text("right", timeout=PATIENCE_MS)
    await expect(page.locator("#program h1")).to_contain_text("højre")


async def swap_the_first(page: Page) -> None:
    first = page.locator("#program .exercise").first
    name = await first.locator("h3").inner_text()
    await first.get_by_role("link", name="Swap").click()
    choice = first.locator(".choice").first
    taken = await choice.locator("b").inner_text()
    await choice.get_by_role("button", name="Take this one").click()
    await expect(first.locator("h3")).to_have_text(taken)
    await expect(first.locator("h3")).to_be_focused()
    assert name not in await names(page)
    await expect(page.locator("#status")).to_have_text(f"{name} swapped for {taken}")


async def move_the_second_up(page: Page) -> None:
    first, second, *rest = await names(page)
    button = page.get_by_role("button", name=f"Move up: {second}")
    await button.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#program .exercise h3")).to_have_text([second, first, *rest])
    await expect(page.locator("#status")).to_have_text(f"{second} moved up")
    # At the top there is no further up; the arrow beside it takes the focus.
    await expect(page.get_by_role("button", name=f"Move down: {second}")).to_be_focused()


async def pdf_of(handout: Locator) -> str:
    """The address of the PDF beside that of the hand-out's page."""
    address = await handout.evaluate("link => link.href")
    return str(address).replace("/handout/", "/handout.pdf")


async def text_of(page: Page, url: str) -> str:
    answer = await page.context.request.get(url)
    assert answer.headers["content-type"] == "application/pdf"
    pages = PdfReader(io.BytesIO(await answer.body())).pages
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages))


async def on_a_telephone(browser, address: str, chosen: list[str]) -> None:
    """Without an account, 360 px wide."""
    context = await browser.new_context(viewport={"width": 360, "height": 740})
    phone = await context.new_page()
    answer = await phone.goto(address)
    assert answer is not None
    assert answer.status == 200
    for name in chosen:
        await expect(phone.get_by_text(name, exact=False).first).to_be_visible()
    assert not await phone.evaluate(WIDE)
    await context.close()


async def test_with_the_keyboard_alone_and_in_the_dark_on_a_telephone(make_server, browser):
    server = make_server("uvicorn")
    context = await browser.new_context(viewport={"width": 360, "height": 740}, color_scheme="dark")
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    await sign_in(page, server)
    await generate(page, CASE)
    dose = page.locator("#program summary", has_text="Change the dose").first
    await expect(dose).to_be_visible(timeout=PATIENCE_MS)
    await dose.focus()
    await page.keyboard.press("Enter")
    sets = page.locator("#program details[open] input[type=number]").first
    await sets.focus()
    lowest = await sets.get_attribute("min")
    await page.keyboard.press("Control+A")
    await page.keyboard.type("99")
    await page.keyboard.press("Enter")
    await expect(
        page.get_by_role("alert").filter(has_text="Sets: Ensure this value is less than or equal to 5.")
    ).to_be_focused()
    assert not await page.evaluate(WIDE)
    fault = page.locator("#program input[aria-invalid]")
    await fault.focus()
    await page.keyboard.press("Control+A")
    await page.keyboard.type(str(lowest))
    await page.keyboard.press("Enter")
    await expect(page.locator("#status")).to_contain_text("New dose for")
    await expect(page.locator("#program summary", has_text="Change the dose").first).to_be_focused()
    await page.get_by_role("button", name="Undo").press("Enter")
    await expect(page.locator("#last-change")).to_be_focused()
    await expect(page.locator("#status")).to_contain_text("Undone")
    await context.close()


async def test_who_was_overtaken_is_told_and_sees_what_is_there_now(standing_server, page, browser):
    await sign_in(page, standing_server)
    await generate(page, CASE)
    await expect(page.locator("#program")).to_be_visible(timeout=PATIENCE_MS)
    chosen = await names(page)
    context = await browser.new_context(storage_state=await page.context.storage_state())
    other = await context.new_page()
    await other.goto(page.url)
    await other.get_by_role("button", name=f"Remove: {chosen[0]}").click()
    await expect(other.locator("#program .exercise")).to_have_count(len(chosen) - 1)
    await page.get_by_role("button", name=f"Remove: {chosen[-1]}").click()
    await expect(page.get_by_text("Somebody changed the program meanwhile")).to_be_visible()
    assert await names(page) == chosen[1:]
    await context.close()


async def test_what_was_typed_and_not_sent_yet_outlives_a_change_elsewhere(standing_server, page):
    await sign_in(page, standing_server)
    await generate(page, CASE)
    await expect(page.locator("#program")).to_be_visible(timeout=PATIENCE_MS)
    first, second, *_ = await names(page)
    understood = page.get_by_role("region", name="What was understood")
    await understood.locator("summary", has_text="Side").click()
    await understood.get_by_label("Side", exact=True).select_option("right")
    await page.get_by_label(f"Note: {first}", exact=True).click()
    await page.get_by_label("Note for the patient").first.fill("Hold on to the chair")
    await page.get_by_role("button", name=f"Move up: {second}").click()
    await expect(page.locator("#status")).to_have_text(f"{second} moved up")
    await expect(understood.get_by_label("Side", exact=True)).to_have_value("right")
    note = page.locator(".exercise", has_text=first).get_by_label("Note for the patient")
    await expect(note).to_be_visible()
    await expect(note).to_have_value("Hold on to the chair")
    await page.locator(".exercise", has_text=first).get_by_role("button", name="Save the note").click()
    await expect(page.locator(".patient-note")).to_contain_text("Hold on to the chair")
    await understood.get_by_role("button", name="Generate again with the corrections").click()
    await expect(page.locator("#program h1")).to_contain_text("(right)", timeout=PATIENCE_MS)


async def test_a_record_number_is_revealed_in_place(standing_server, page):
    await sign_in(page, standing_server)
    await page.get_by_label("Record number").fill("KB-778899")
    await generate(page, CASE)
    await expect(page.locator("#program")).to_be_visible(timeout=PATIENCE_MS)
    await page.get_by_role("link", name="History").click()
    assert "KB-7788" not in await page.content()
    await page.get_by_role("button", name="Reveal the record number ••••99").first.click()
    await expect(page.locator("output.revealed")).to_have_text("KB-778899")
    await expect(page.locator("output.revealed")).to_be_focused()
    assert "778899" not in page.url
