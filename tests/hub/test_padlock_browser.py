"""The page over TLS in a real Chromium: refused until the clinic's authority is trusted, and then as any other page."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserType, Error, Page, sync_playwright

from tests.hub.hubs import Hub
from tests.hub.test_browser import CHROMIUM, PATIENCE_S
from tests.hub.visitors import PASSWORD

CERTUTIL = shutil.which("certutil")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium"),
    pytest.mark.skipif(CERTUTIL is None, reason="certutil is not installed: apt-get install libnss3-tools"),
]


@pytest.fixture
def chromium() -> Iterator[BrowserType]:
    with sync_playwright() as playwright:
        yield playwright.chromium


@pytest.fixture
def started(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[tuple[Hub, str]]:
    """A hub for other machines, and the link in its terminal."""
    hub = Hub(tmp_path / "hub", host="0.0.0.0", address="127.0.0.1", door_port=0)  # noqa: S104  the point is TLS
    hub.start()
    link = re.search(r"https://\S+/welcome/\S+", capfd.readouterr().err)
    assert link
    yield hub, link[0]
    hub.end(signal.SIGTERM)


def opened(chromium: BrowserType, home: Path) -> Page:
    """A page of a browser that believes what the person of this home has told it to believe."""
    arguments = ["--no-sandbox"] if os.getuid() == 0 else []
    environment: dict[str, str | float | bool] = {**os.environ, "HOME": str(home)}
    browser = chromium.launch(executable_path=CHROMIUM, args=arguments, env=environment)
    page = browser.new_context(locale="en-GB").new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    return page


def trust(home: Path, certificate: Path) -> None:
    """What the page /trust tells people to do, for Chrome on Linux."""
    database = home / ".pki/nssdb"
    database.mkdir(parents=True)
    for command in (["-N", "--empty-password"], ["-A", "-t", "C,,", "-n", "Fermata north", "-i", str(certificate)]):
        subprocess.run([str(CERTUTIL), "-d", f"sql:{database}", *command], check=True)


def test_the_page_opens_once_the_authority_is_trusted_and_keeps_its_cookie_to_tls(
    chromium: BrowserType, started: tuple[Hub, str], tmp_path: Path
) -> None:
    hub, link = started
    (tmp_path / "stranger").mkdir()
    stranger = opened(chromium, tmp_path / "stranger")
    with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
        stranger.goto(hub.url)
    trust(tmp_path / "home", hub.state / "authority/ca.pem")
    page = opened(chromium, tmp_path / "home")
    page.goto(hub.url)
    page.get_by_role("link", name="Tell it to trust the clinic's hub").click()
    page.wait_for_url("**/trust?lang=en")
    with page.expect_download() as download:
        page.get_by_role("link", name="fermata-north.crt").first.click()
    assert download.value.suggested_filename == "fermata-north.crt"
    page.goto(link)
    page.get_by_label("Name to sign in by").fill("ana")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button").click()
    page.wait_for_url(f"{hub.url}?lang=en")
    [cookie] = page.context.cookies()
    assert cookie["name"].startswith("__Host-fermata-")
    assert cookie["secure"]
    page.goto(f"{hub.url}settings")
    page.get_by_label("Therapists who use these rooms").fill("7")
    page.keyboard.press("Enter")
    page.wait_for_url("**/settings?lang=en&done=count_kept#therapists")
    assert page.get_by_text("The number of therapists was kept.").is_visible()
    assert "By the clinic's own authority" in page.inner_text("#running")
    for each in (stranger, page):
        browser = each.context.browser
        assert browser
        browser.close()
