"""A real browser for the tests of pages."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# Two cores that also run the server and the tests.
PATIENCE_MS = 30_000
# What the browser says of a server that is down is no fault of the page, nor what htmx says of a stream that broke off.
NETWORK = re.compile(r"Failed to load resource|net::ERR|Failed to fetch|^\[object (Message)?Event\]$")


@pytest.fixture
async def browser(chromium) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(chromium), args=CHROMIUM_FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page whose console must stay silent: a refused script or style is a fault."""
    page = await browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and not NETWORK.search(message.text):
            complaints.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert complaints == []
