"""The plain live view: fragments of `?as=html`, swapped in by htmx's own sse extension in a real browser."""

import asyncio
import json

import pytest
from playwright.async_api import Page, Route, expect

from generation.dialects.html import Html
from generation.wire import frame
from tests.acceptance.asking import MISSING
from tests.acceptance.cases import KNEE
from tests.acceptance.conftest import PATIENCE_MS
from tests.acceptance.test_browser import sign_in

pytestmark = pytest.mark.timeout(180)

# Lets a test see every connection that the page makes.
REMEMBER_SOURCES = """
window.sources = [];
window.EventSource = class extends EventSource {
  constructor(...given) { super(...given); window.sources.push(this); }
};
"""
ALL_CLOSED = "window.sources.length > 0 && window.sources.every((source) => source.readyState === 2)"
HOSTILE = "<img src=x onerror=alert(1)> \n\ndata: x \u2028 </li>\"'><script>alert(2)</script>"


@pytest.fixture
async def page(page: Page) -> Page:
    await page.add_init_script(REMEMBER_SOURCES)
    return page


async def watch(page: Page, server) -> dict:
    """Sign in, start a run and open its plain view; returns its snapshot."""
    await sign_in(page, server)
    run = server.start_run(KNEE)
    await page.goto(f"{server.base_url}/runs/{run['id']}/live/")
    await expect(page.get_by_role("heading", name="Plain live view")).to_be_visible()
    return run


def items_of(page: Page):
    return page.locator("#items > li")


async def expect_whole_program(page: Page, server, run_id: str) -> None:
    """Every exercise once and in order, the way to the result, and no connection that would begin anew."""
    await expect(page.get_by_role("heading", name="Result ready")).to_be_visible(timeout=60_000)
    program = server.snapshot(run_id)["result"]["program"]
    assert await items_of(page).locator("h3").all_inner_texts() == [item["name"] for item in program["items"]]
    assert await page.evaluate(ALL_CLOSED)


async def test_exercises_arrive_one_by_one_and_the_end_leads_to_the_result(kind, make_server, page):
    server = make_server(kind, COMPOSER_PACE_S=1)
    run = await watch(page, server)
    await expect(items_of(page)).to_have_count(2, timeout=PATIENCE_MS)
    await expect(page.get_by_role("progressbar")).to_be_visible()
    await expect_whole_program(page, server, run["id"])
    await page.get_by_role("link", name="Open the result").click()
    await expect(page.get_by_role("heading", name="Exercises", exact=True)).to_be_visible()


async def test_a_run_that_waits_moves_up_and_then_asks_no_more(make_server, page):
    server = make_server("daphne", COMPOSER_PACE_S=0.8, MAX_CONCURRENT_RUNS=1)
    for _ in range(2):
        server.start_run(KNEE)
    answers: list[int] = []
    page.on("response", lambda answer: answers.append(answer.status) if answer.url.endswith("/place/") else None)
    run = await watch(page, server)
    told = page.locator("#told")
    for place in (2, 1):
        words = f"Waiting for its turn, number {place} in the queue"
        await expect(told.get_by_text(words)).to_be_visible(timeout=PATIENCE_MS)
    await expect(page.get_by_role("progressbar")).to_be_visible(timeout=PATIENCE_MS)
    await expect_whole_program(page, server, run["id"])
    assert answers == [200] * (len(answers) - 1) + [286]


async def test_a_restart_in_the_middle_shows_nothing_twice(kind, make_server, page):
    server = make_server(kind, COMPOSER_PACE_S=1)
    run = await watch(page, server)
    await expect(items_of(page)).to_have_count(2, timeout=PATIENCE_MS)
    server.kill()
    await expect(page.get_by_text("The connection is lost")).to_be_visible(timeout=PATIENCE_MS)
    await asyncio.to_thread(server.start)
    await expect(page.get_by_text("The connection is lost")).to_be_hidden(timeout=PATIENCE_MS)
    await expect_whole_program(page, server, run["id"])


async def test_a_reconnect_that_a_proxy_refuses_starts_over_and_shows_nothing_twice(make_server, page):
    server = make_server("uvicorn", COMPOSER_PACE_S=1)
    run = await watch(page, server)
    await expect(items_of(page)).to_have_count(2, timeout=PATIENCE_MS)
    refused = asyncio.Event()

    async def refuse(route: Route) -> None:
        await route.fulfill(status=502)
        refused.set()

    await page.route("**/stream?as=html", refuse)
    server.kill()
    await asyncio.wait_for(refused.wait(), 30)
    await asyncio.to_thread(server.start)
    await page.unroute("**/stream?as=html")
    await expect_whole_program(page, server, run["id"])
    assert await page.evaluate("window.sources.length") > 1


async def test_a_cancel_from_the_page_ends_it(make_server, page):
    await watch(page, make_server("daphne", COMPOSER_PACE_S=3))
    await expect(page.get_by_role("progressbar")).to_be_visible(timeout=PATIENCE_MS)
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_text("Generation cancelled").first).to_be_visible(timeout=PATIENCE_MS)


async def test_a_cancel_from_elsewhere_is_told_and_closes_the_connection(make_server, page):
    server = make_server("daphne", COMPOSER_PACE_S=3)
    run = await watch(page, server)
    await expect(page.get_by_role("progressbar")).to_be_visible(timeout=PATIENCE_MS)
    with server.client() as client:
        client.post(run["urls"]["cancel"]).raise_for_status()
    await expect(page.get_by_role("heading", name="Generation cancelled")).to_be_visible(timeout=PATIENCE_MS)
    await expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    assert await page.evaluate(ALL_CLOSED)


async def test_hostile_texts_and_a_failure_are_shown_as_they_are(make_server, page):
    events = [
        ("progress", {"stage": HOSTILE, "message": HOSTILE, "progress": 40, "eta": None}),
        ("item", {"path": HOSTILE, "index": 0, "value": {"name": HOSTILE, "dose_text": HOSTILE, "reason": HOSTILE}}),
        ("item", {"path": HOSTILE, "index": 0, "value": {"name": f"Again {HOSTILE}"}}),
        ("warning", {"code": HOSTILE, "message": HOSTILE}),
        ("error", {"code": "SERVER_ERROR", "message": HOSTILE, "retryable": True, "stage": None}),
    ]
    log = [frame(seq, MISSING, name, 0, json.dumps(data).encode()) for seq, (name, data) in enumerate(events, start=1)]
    body = await Html("en").frames(log)
    await page.route(
        "**/stream?as=html", lambda route: route.fulfill(status=200, content_type="text/event-stream", body=body)
    )
    await watch(page, make_server("daphne", COMPOSER_PACE_S=30))
    failure = page.get_by_role("alert").filter(has_text="Generation failed")
    await expect(failure).to_contain_text("<img src=x onerror=alert(1)>")
    await expect(items_of(page)).to_have_count(1)
    await expect(items_of(page)).to_contain_text("Again <img src=x")
    await expect(page.locator("#warnings")).to_contain_text("</li>\"'><script>alert(2)</script>")
    assert await page.locator("main img, main script").count() == 0
    assert await page.evaluate(ALL_CLOSED)


async def test_an_ended_run_shows_its_outcome_instead(make_server, page):
    server = make_server("daphne")
    with server.client() as client:
        ended = client.post("/api/generate", json={"prompt": KNEE}).headers["location"].rsplit("/", 1)[1]
    await sign_in(page, server)
    await page.goto(f"{server.base_url}/runs/{ended}/live/")
    await expect(page).to_have_url(f"{server.base_url}/runs/{ended}/")
    await expect(page.get_by_role("heading", name="Exercises", exact=True)).to_be_visible()


async def test_the_history_links_to_it_while_a_run_is_live(make_server, page):
    server = make_server("daphne", COMPOSER_PACE_S=1)
    server.start_run(KNEE)
    await sign_in(page, server)
    await page.goto(f"{server.base_url}/runs/")
    await page.get_by_role("link", name="Plain live view").click()
    await expect(page.get_by_role("heading", name="Plain live view")).to_be_visible()


async def test_it_fits_a_phone(make_server, page):
    await page.set_viewport_size({"width": 360, "height": 740})
    await watch(page, make_server("daphne", COMPOSER_PACE_S=0.2))
    await expect(items_of(page).first).to_be_visible(timeout=PATIENCE_MS)
    assert not await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
