"""Pathway: a table of the topic, a function a row, a subscriber that writes. Run by `pathway
spawn`, see contenders.py."""

from typing import Any

import pathway as pw

from benchmarks.peers import shared


def main() -> None:
    job = shared.arguments()
    score, files = shared.scorer(job.scorer), shared.Files(job.output, job.index)

    @pw.udf
    def row(value: bytes, at: pw.Json) -> bytes:
        where: Any = at.value
        coordinates = (
            where["topic"],
            where["partition"],
            where["offset"],
            where["timestamp_millis"],
        )
        return shared.lines([(coordinates, value)], score)[0]

    settings = {
        "bootstrap.servers": job.bootstrap,
        "group.id": job.output,
        "auto.offset.reset": "earliest",
    }
    tweets = pw.io.kafka.read(
        settings, job.topic, format="raw", mode="static", with_metadata=True, autogenerate_key=True
    )
    rows = tweets.select(line=row(pw.this.data, pw.this._metadata))

    def write(row: dict[str, bytes], **_: Any) -> None:
        files.add([row["line"]])

    pw.io.subscribe(rows, on_change=write, on_end=files.flush)
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)


if __name__ == "__main__":
    main()
