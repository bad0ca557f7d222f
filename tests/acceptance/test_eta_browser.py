"""The time that is left, as pages tell it: from what earlier runs took, and calmly."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.acceptance.cases import KNEE
from tests.acceptance.conftest import PATIENCE_MS
from tests.acceptance.test_batch_browser import start as start_batch
from tests.acceptance.test_browser import dialog_of, generate, sign_in
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(180)

EARLIER = 8
# Keeps each sentence the page shows, with the second it came.
REMEMBER = """
window.told = [];
addEventListener('DOMContentLoaded', () => {
  const element = document.querySelector('.eta');
  if (!element) return;
  new MutationObserver(() => told.push([performance.now() / 1000, element.textContent]))
    .observe(element, { childList: true });
});
"""
LEFT = re.compile(r"^((about|up to) \d.* (s|min)|a few seconds) left$")
LATE = re.compile(r"^taking longer than usual")


@pytest.fixture
async def page(page: Page) -> Page:
    await page.add_init_script(REMEMBER)
    return page


async def with_history(make_server, pace_s: float, later_s: float, **later):
    """A server on which some runs have ended, at its second start."""
    server = make_server("daphne", COMPOSER_PACE_S=pace_s, MAX_ACTIVE_RUNS_PER_USER=EARLIER)
    for _ in range(EARLIER):
        server.start_run(KNEE)

    async def all_ended() -> bool:
        with server.client() as client:
            return len(client.get("/api/runs?status=succeeded").json()["results"]) == EARLIER

    async def all_learned() -> bool:
        return server.rows("SELECT COUNT(*) FROM generation_metrics WHERE learned IS NULL") == [(0,)]

    await eventually(all_ended, within_s=60)
    await eventually(all_learned)
    server.env |= {name: str(value) for name, value in ({"COMPOSER_PACE_S": later_s} | later).items()}
    return server.restart()


def seconds(words: str) -> int:
    """The upper end of what is said to be left."""
    found = re.search(r"(?:(\d+) min ?)?(?:(\d+) s)? left$", words)
    return (found and 60 * int(found[1] or 0) + int(found[2] or 0)) or 5


async def test_the_time_left_runs_down_and_a_slow_run_takes_longer_than_usual(make_server, page):
    server = await with_history(make_server, pace_s=1.5, later_s=7)
    await sign_in(page, server)
    await generate(page, KNEE)
    eta = dialog_of(page).locator(".eta")
    await expect(eta).to_have_text(LEFT, timeout=PATIENCE_MS)
    await expect(eta).to_have_text(LATE, timeout=PATIENCE_MS)
    told = await page.evaluate("told")
    said = [words for _, words in told]
    running_down = [seconds(words) for words in said if LEFT.match(words)]
    assert len(running_down) >= 2
    assert running_down == sorted(running_down, reverse=True)
    assert [bool(LATE.match(words)) for words in said] == sorted(bool(LATE.match(words)) for words in said)
    times = [second for second, _ in told]
    # They change every five seconds, on a clock that is drawn once a second. The first may be of the queue.
    assert all(later - earlier >= 3 for earlier, later in zip(times[1:], times[2:], strict=False)), told
    # The snapshot of a reloaded page does not know what was promised; the log does.
    await page.reload()
    await expect(eta).to_have_text(LATE, timeout=PATIENCE_MS)
    assert all(LATE.match(words) for _, words in await page.evaluate("told"))
    await dialog_of(page).get_by_role("button", name="Pause", exact=True).click()
    await expect(dialog_of(page).locator(".stage-words")).to_have_text("Paused", timeout=PATIENCE_MS)
    await expect(eta).to_be_hidden()


async def test_a_run_that_waits_moves_up_and_is_never_said_to_end_before_those_ahead(make_server, page):
    # At this pace each run works for longer than two looks at the queue are apart.
    server = await with_history(make_server, pace_s=2, later_s=2, MAX_CONCURRENT_RUNS=1)
    await sign_in(page, server)
    ahead, _, last = (server.start_run(KNEE) for _ in range(3))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(f"{server.base_url}{last['urls']['page']}")
    dialog, address = dialog_of(page), f"{server.base_url}{last['urls']['self']}"
    words = dialog.locator(".stage-words")
    await expect(words).to_have_text("Waiting for its turn, number 2 in the queue", timeout=PATIENCE_MS)
    await expect(words).to_have_text("Waiting for its turn, number 1 in the queue", timeout=60_000)
    assert server.snapshot(ahead["id"])["status"] == "succeeded"
    await expect(words).to_contain_text("Composing the program", timeout=60_000)
    began, began_at = asked.count(address), await page.evaluate("performance.now() / 1000")
    assert began > 0
    # Its own work is still to come then, which is room enough for a slow test.
    told = [(second, words) for second, words in await page.evaluate("told") if LEFT.match(words)]
    assert told
    assert all(seconds(words) >= began_at - second for second, words in told), (told, began_at)
    await expect(page.get_by_role("heading", name="Exercises", exact=True)).to_be_visible(timeout=60_000)
    # While it works the log tells enough.
    assert asked.count(address) == began


async def test_a_batch_tells_when_its_last_row_will_be_done(make_server, page):
    server = await with_history(make_server, pace_s=0.5, later_s=0.5)
    await sign_in(page, server)
    await page.goto(start_batch(server, *[KNEE] * 16))
    await expect(page.locator(".eta")).to_have_text(LEFT, timeout=PATIENCE_MS)
    await expect(page.locator("main .totals")).to_have_text("16 of 16 done", timeout=60_000)
    await expect(page.locator(".eta")).to_be_hidden()
    said = [words for _, words in await page.evaluate("told")]
    assert all(LEFT.match(words) or LATE.match(words) or words == "" for words in said), said
