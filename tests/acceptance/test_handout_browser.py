"""From an approved program to the patient's phone: print, link, look, close; and nothing of the person is kept."""

import json
import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.acceptance.asking import client_of, cookie
from tests.acceptance.conftest import PATIENCE_MS
from tests.acceptance.test_browser import sign_in
from tests.acceptance.test_privacy import traces
from tests.generation.pdf_reading import Pdf

pytestmark = pytest.mark.timeout(180)

FIRST_NAME = "Kirstine-Kanarie"
MAKE = """
import json
from generation.models import User
from tests.generation.handout_making import give_clinic, make_program

alice = User.objects.get(username="alice")
give_clinic(alice, phone="12 34 56 78")
print(json.dumps([str(make_program(alice, language).pk) for language in ("en", "da")]))
"""


def programs_on(server) -> list[str]:
    """An approved program in English and one in Danish."""
    done = server.manage("shell", "--no-imports", "-c", MAKE)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


async def phone(browser: Browser, address: str, **options) -> Page:
    context = await browser.new_context(viewport={"width": 360, "height": 740}, **options)
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(address)
    return page


async def overflow(page: Page) -> int:
    return await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


async def test_from_the_printer_to_the_phone_and_closed(kind, make_server, browser, page):
    server = make_server(kind)
    _, danish = programs_on(server)
    await sign_in(page, server)
    await page.goto(f"{server.base_url}/programs/{danish}/handout/")
    await page.get_by_label("First name").fill(FIRST_NAME)
    await expect(page.get_by_text(f"Til {FIRST_NAME}")).to_be_visible()
    await page.get_by_label("With a link").check()
    await page.get_by_role("button", name="Show with these choices").click()
    await expect(page.get_by_text(f"Til {FIRST_NAME}")).to_be_visible()
    address = await page.locator(".link-box .address").inner_text()
    assert FIRST_NAME not in page.url
    printed = await page.pdf(prefer_css_page_size=True)
    assert Pdf(printed).says("Dine øvelser")
    assert not Pdf(printed).says("Show with these choices")

    on_phone = await phone(browser, address, color_scheme="dark")
    await expect(on_phone.get_by_role("heading", name="Dine øvelser")).to_be_visible()
    assert await on_phone.get_by_role("heading", level=3).count() == 6
    assert await overflow(on_phone) <= 0
    assert FIRST_NAME not in await on_phone.content()
    await on_phone.get_by_role("link", name="English").click()
    await expect(on_phone.get_by_role("heading", name="Your exercises")).to_be_visible()
    assert await on_phone.locator("html").get_attribute("lang") == "en"

    await page.get_by_role("link", name="Links").click()
    await expect(page.get_by_role("cell", name="2 times")).to_be_visible()
    await page.get_by_role("button", name="Close this link").click()
    await expect(page.get_by_text("closed")).to_be_visible()
    await on_phone.reload()
    await expect(on_phone.get_by_role("heading", name="This link does not work any more")).to_be_visible()


async def test_a_name_typed_for_print_leaves_the_browser_only_with_the_form(make_server, page):
    server = make_server("daphne")
    english, _ = programs_on(server)
    await sign_in(page, server)
    await page.goto(f"{server.base_url}/programs/{english}/handout/")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    await page.get_by_label("First name").fill("{name} <b>x</b>")
    await expect(page.get_by_text("For {name} <b>x</b>")).to_be_visible()
    # The browser fetches the page's icon when it likes.
    assert [url for url in sent if "/static/" not in url] == []


def test_no_log_has_a_token_and_no_byte_a_name(kind, make_server):
    server = make_server(kind, LOG_LEVEL="DEBUG")
    english, danish = programs_on(server)
    own = {**cookie(server, "alice"), "Origin": server.base_url, "X-CSRFToken": "a" * 32}
    own["Cookie"] += f"; csrftoken={'a' * 32}"
    with client_of(server, None) as client, server.client() as alices:
        made = client.post(
            f"/programs/{english}/handout.pdf", headers=own, data={"first_name": FIRST_NAME, "with_link": "true"}
        )
        assert made.status_code == 200
        assert Pdf(made.content).says(f"For {FIRST_NAME}")
        printed = re.search(r"/h/([\w-]{32})/", re.sub(r"\s", "", Pdf(made.content).text))[1]
        address = f"/api/programs/{danish}/shares"
        shared = alices.post(address, json={}).raise_for_status().json()["url"].split("/")[-2]
        tokens = [printed, shared, "U" * 32]
        statuses = [client.get(f"/h/{token}/?language=da").status_code for token in tokens for _ in range(7)]
        client.post(f"/h/{shared}/")
        client.get(f"/h/{shared}")
    assert statuses[:20] == [200] * 14 + [404] * 6
    assert "/h/…" in server.log_text or "/h/\\u2026" in server.log_text
    stored = b"".join(file.read_bytes() for file in server.database.parent.glob(f"{server.database.name}*"))
    for secret in (*tokens[:2], FIRST_NAME):
        assert secret not in server.log_text
        assert not any(trace in stored for trace in traces(secret))
    assert "U" * 32 not in server.log_text
