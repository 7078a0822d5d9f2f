"""The page and what it is not made for: strangers' words, no libraries, no HDFS."""

import uuid
from pathlib import Path
from random import Random
from typing import Any

import pytest

from consumers.tweets.parse import Rejected
from tests.conftest import ROOT, Services
from tests.kit.browsing import Watched, dashboard
from tests.kit.memory_files import MemoryFiles
from tests.kit.page_places import SOON_MS, Place, expect_tweets, tweets
from tests.kit.published_output import WebhdfsFiles, opened, publish, tweet
from tests.kit.strangers import HOSTILE
from views.follow import store_path
from views.store.frontier import Store


def test_without_libraries_the_page_says_what_to_type(browser: Any, place: Place) -> None:
    watched = Watched(browser, place.url)
    watched.page.route("**/lib/*", lambda route: route.fulfill(status=404, body=""))
    page = watched.open()
    page.locator("#state", has_text="make setup").wait_for(timeout=SOON_MS)
    expect_tweets(page, tweets(place))
    watched.wrong.clear()  # the browser says that the files were not found
    watched.close()


def test_hostile_words_leave_no_trace_but_themselves(
    browser: Any, services: Services, tmp_path: Path
) -> None:
    path, dice = f"/tests/{uuid.uuid4().hex[:12]}/<img src=x>", Random(4)
    driver = opened(WebhdfsFiles(services.webhdfs, path))
    batch = [
        tweet(
            number,
            dice,
            id=text[:200],
            text=text,
            author=text,
            author_id=text,
            lang=text,
            hashtags=[text, text],
            country=text,
            place=text,
            lat=51.5,
            lon=0.1 * copy,
        )
        for copy in range(4)
        for number, text in enumerate(HOSTILE)
    ]
    publish(driver, [*batch, *(Rejected(key=t, reason=t, raw=b"{") for t in HOSTILE)])
    output = f"{services.hdfs}{path}"
    with dashboard(tmp_path, "--output", output, "--webhdfs", services.webhdfs) as url:
        watched = Watched(browser, url)
        page = watched.open()
        expect_tweets(page, len(batch))
        page.locator("#map-says", has_text="Most tweets").wait_for(timeout=SOON_MS)
        page.locator("#map").press("ArrowRight")
        page.locator("#map").press("Enter")
        page.get_by_role("button", name="Show texts").click()
        assert page.locator("#examples .text").count() == 5
        page.select_option("#lang", index=1)
        page.wait_for_timeout(500)
        seen = page.locator("body").inner_text()
        assert HOSTILE[0].lower() in seen.lower()
        assert page.evaluate("() => window.pwned") is None
        assert page.locator("img, iframe, object, embed, base, form[action]").count() == 0
        assert page.locator("script").count() == 2
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 1280
        watched.close()


def test_planted_markup_is_convicted(browser: Any, place: Place) -> None:
    """The counter-test: where a word became markup, the policy stops it and the test above says
    so."""
    watched = Watched(browser, place.url)
    source = (ROOT / "views" / "page" / "dom.js").read_text("utf-8")
    honest = "made.append(...children.map((child) => child instanceof Node ? child : plain(child)))"
    assert honest in source
    planted = source.replace(honest, "made.innerHTML = children.join('')")
    watched.page.route(
        "**/dom.js", lambda route: route.fulfill(body=planted, content_type="text/javascript")
    )
    page = watched.open()
    page.wait_for_timeout(2000)
    with pytest.raises(AssertionError, match="policy: require-trusted-types-for"):
        watched.close()


def test_a_store_that_has_only_begun(browser: Any, tmp_path: Path) -> None:
    """Its first batch is still being read: there is a number of batches, and nothing to draw."""
    files, output = MemoryFiles(), "hdfs://127.0.0.1:1/tweets/direct"
    manifest = publish(opened(files), [tweet(1, Random(1))])
    Store(store_path(tmp_path, output)).begin(manifest, manifest.to_bytes())
    with dashboard(tmp_path, "--output", output, "--webhdfs", "http://127.0.0.1:1") as url:
        watched = Watched(browser, url)
        page = watched.open()
        page.locator("#state", has_text="1 older batches are still being read").wait_for()
        page.locator("#jobs", has_text="1 batches are published").wait_for(timeout=SOON_MS)
        assert "null" not in page.locator("body").inner_text()
        watched.close()


def test_broken_hdfs_and_an_empty_output_are_said(browser: Any, tmp_path: Path) -> None:
    nobody = "hdfs://127.0.0.1:1/nothing"
    with dashboard(tmp_path, "--output", nobody, "--webhdfs", "http://127.0.0.1:1") as url:
        watched = Watched(browser, url)
        page = watched.open()
        page.locator("#state", has_text="HDFS does not answer").wait_for(timeout=SOON_MS)
        assert "Nothing is published" in page.locator("#jobs").inner_text()
        watched.close()
