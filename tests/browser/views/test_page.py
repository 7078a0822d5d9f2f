"""The page in a real browser, its batches on a real HDFS: what it shows, live and for all."""

import time
from random import Random
from typing import Any

import pytest

from consumers.tweets.row import Deleted
from tests.conftest import PATIENCE, ROOT
from tests.kit.browsing import Watched
from tests.kit.page_places import SOON_MS, Place, colours, expect_tweets, tweets
from tests.kit.published_output import publish, tweet

AXE = ROOT / "build" / "page" / "node_modules" / "axe-core" / "axe.min.js"


def test_the_figures_are_the_manifests(watched: Watched, place: Place) -> None:
    page = watched.open()
    expect_tweets(page, tweets(place))
    cards = page.locator("#jobs article")
    assert cards.count() == 2
    for number in range(2):
        assert f"{tweets(place, number):,}" in cards.nth(number).inner_text()
    assert "located (" in page.locator("#located").inner_text()
    assert "coffee" in page.locator("#hashtags").inner_text()
    assert "good" in page.locator("#words").inner_text()
    assert page.locator("#batches tbody tr").count() >= 4
    assert page.locator("#coverage tbody tr").count() == 3
    page.locator("#batches button").first.click()
    page.locator("#manifest", has_text="commit_id").wait_for(timeout=SOON_MS)


def test_the_map_is_drawn_with_its_coasts_and_cells(watched: Watched, place: Place) -> None:
    page = watched.open()
    expect_tweets(page, tweets(place))
    page.locator("#map-says", has_text="Most tweets").wait_for(timeout=SOON_MS)
    assert {"fee838", "dfe3e8", "f1f4f7"} <= colours(page)  # the fullest cell, land and sea
    page.select_option("#by", "mood")
    assert "mean" in page.locator("#legend").inner_text()


def test_a_new_batch_appears_by_itself(watched: Watched, place: Place) -> None:
    page = watched.open()
    count = tweets(place)
    expect_tweets(page, count)
    for driver in place.drivers:
        publish(driver, [tweet(n, Random(n)) for n in range(50)], 1)
    began = time.monotonic()
    expect_tweets(page, count + 50)
    assert time.monotonic() - began < 5 * PATIENCE  # a second, where the machine is idle


def test_time_and_language_filter(watched: Watched, place: Place) -> None:
    page = watched.open()
    count = tweets(place)
    expect_tweets(page, count)
    page.select_option("#span", "300")
    page.locator(f'#located:not([data-tweets="{count}"])').wait_for(timeout=SOON_MS)
    assert "to" in page.locator("#range").inner_text()
    page.locator("#step").click()
    page.select_option("#span", "")
    expect_tweets(page, count)
    before = page.locator("#map-says").inner_text()
    page.select_option("#lang", "ja")
    page.locator("#map-says", has_not_text=before).wait_for(timeout=SOON_MS)


def test_a_takeover_is_marked(watched: Watched, place: Place) -> None:
    """The student's story: direct is dead, falls behind, and receiver_based continues with its
    output."""
    page = watched.open()
    dice = Random(8)
    time.sleep(1.2)  # a later record has a later time of Kafka's
    publish(place.drivers[1], [tweet(7000 + n, dice) for n in range(30)], 2)
    page.locator("#coverage tbody tr", has_text="30").wait_for(timeout=SOON_MS)
    assert float(page.locator('[data-output="direct"]').get_attribute("data-behind")) > 0
    again = place.driver(0, "receiver_based")
    publish(again, [tweet(7000 + n, dice) for n in range(30)], 2)
    mark = page.locator('[data-output="direct"] [data-kind="takeover"]')
    mark.wait_for(timeout=SOON_MS)
    assert "receiver_based continued direct's output" in mark.inner_text()
    page.locator("#coverage tbody tr", has_not_text="30").first.wait_for(timeout=SOON_MS)
    place.drivers[0] = again


def test_a_tombstone_takes_a_shown_tweet_away(watched: Watched, place: Place) -> None:
    """Its text is open on the page, then it is deleted: it leaves at once, the others stay open."""
    page, far = watched.open(), {"lat": -54.8, "lon": -68.3, "geo_kind": "point"}
    shown = [tweet(6000 + n, Random(n), text=f"invented {n}", **far) for n in range(3)]
    publish(place.drivers[0], shown, 0)
    expect_tweets(page, tweets(place))
    page.locator("#map-says", has_text="Most tweets").wait_for(timeout=SOON_MS)
    for _ in range(4):
        page.locator("#map").press("ArrowDown")
    page.locator("#map").press("Enter")
    page.get_by_role("button", name="Show texts").click()
    assert page.locator("#examples .text").all_inner_texts() == [
        "invented 2",
        "invented 1",
        "invented 0",
    ]
    publish(place.drivers[0], [Deleted(id=shown[1].id)], 0)
    page.locator("#examples", has_not_text="invented 1").wait_for(timeout=SOON_MS)
    assert page.locator("#examples .text").all_inner_texts() == ["invented 2", "invented 0"]
    assert page.locator("#examples .text").first.is_visible()


def test_keyboard_alone(watched: Watched) -> None:
    """To the map, from cell to cell, into one, its texts on demand, and out again."""
    page = watched.open()
    page.locator("#map-says", has_text="Most tweets").wait_for(timeout=SOON_MS)
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.id") == "map":
            break
    page.keyboard.press("ArrowRight")
    page.locator("#cell", has_text="tweets").wait_for(timeout=SOON_MS)
    first = page.locator("#cell").inner_text()
    page.keyboard.press("ArrowLeft")
    assert page.locator("#cell").inner_text() != first
    page.keyboard.press("Enter")
    page.locator("#examples li").first.wait_for(timeout=SOON_MS)
    assert not page.locator("#examples .text").first.is_visible()
    page.get_by_role("button", name="Show texts").press("Enter")
    assert page.locator("#examples .text").first.is_visible()
    page.locator("#map").press("Escape")
    assert not page.locator("#examples").is_visible()


def test_a_hidden_tab_asks_for_nothing(watched: Watched, place: Place) -> None:
    page = watched.open()
    expect_tweets(page, tweets(place))
    hide = """(hidden) => { Object.defineProperty(document, 'hidden', { value: hidden,
        configurable: true }); document.dispatchEvent(new Event('visibilitychange')); }"""
    page.evaluate(hide, True)
    page.wait_for_timeout(300)
    before = len(watched.requests)
    publish(place.drivers[0], [tweet(1, Random(1))], 0)
    page.wait_for_timeout(3000)
    assert len(watched.requests) == before
    page.evaluate(hide, False)
    expect_tweets(page, tweets(place))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Any, place: Place, scheme: str) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is missing: install npm, then make setup")
    watched = Watched(browser, place.url, color_scheme=scheme)
    page = watched.open()
    expect_tweets(page, tweets(place))
    page.locator("#batches tr").first.wait_for()
    page.evaluate(AXE.read_text("utf-8") + "\nundefined")
    found = page.evaluate(
        "async () => (await axe.run()).violations.map((each) =>"
        " [each.id, each.nodes.map((node) => node.html.slice(0, 200))])"
    )
    assert found == []
    watched.close()


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_it_fits(browser: Any, place: Place, width: int) -> None:
    watched = Watched(
        browser, place.url, viewport={"width": width, "height": 700}, reduced_motion="reduce"
    )
    page = watched.open()
    expect_tweets(page, tweets(place))
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    assert not page.locator("#play").is_visible()  # steps instead of play
    assert page.locator("#step").is_visible()
    watched.close()
