"""Two outputs on a real HDFS and a dashboard of them, and how tests look at its page."""

from dataclasses import dataclass, field
from typing import Any

from consumers.output import chain
from consumers.output.commits import Output
from tests.conftest import PATIENCE
from tests.kit.published_output import WebhdfsFiles, opened

SOON_MS = 15_000 * PATIENCE


@dataclass
class Place:
    """Two outputs of one topic, and a dashboard of them."""

    webhdfs: str
    names: list[str]
    url: str = ""
    drivers: list[Output] = field(default_factory=list)

    def driver(self, number: int, approach: str) -> Output:
        """A driver that has just started, or taken over."""
        return opened(WebhdfsFiles(self.webhdfs, self.names[number]), approach)


def tweets(place: Place, number: int = 0) -> int:
    """The tweets that an output's manifests count."""
    files, total = WebhdfsFiles(place.webhdfs, place.names[number]), 0
    seq = 0
    while chain.published(files, seq):
        total += chain.manifest(files, seq)[0].counts["tweets"]
        seq += 1
    return total


def expect_tweets(page: Any, count: int) -> None:
    """Wait until the page's figures are of this number of tweets."""
    page.locator(f'#located[data-tweets="{count}"]').wait_for(timeout=SOON_MS)


def colours(page: Any) -> set[str]:
    """The colours of the map of which there are ten pixels or more."""
    found = page.evaluate(
        """() => { const map = document.getElementById('map'), counts = {};
            const data = map.getContext('2d').getImageData(0, 0, map.width, map.height).data;
            for (let i = 0; i < data.length; i += 4) {
              const key = data[i] << 16 | data[i + 1] << 8 | data[i + 2];
              counts[key] = (counts[key] ?? 0) + 1; }
            return Object.keys(counts).filter((key) => counts[key] >= 10); }"""
    )
    return {f"{int(key):06x}" for key in found}
