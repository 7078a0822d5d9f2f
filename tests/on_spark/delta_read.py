"""Reads the Delta table TABLE, which `scripts/submit delta` has made: prints its rows in JSON, how
many files of data it has and how many are there, and what another output is told."""

import json
import sys

from config.errors import ConfigError
from consumers.output.storage import Storage
from units.delta import Table, session

(path,) = sys.argv[1:]
spark = session()
found = spark.read.format("delta").load(path)
chosen = found.selectExpr("kafka.partition p", "kafka.offset o", "id", "text", "hex(tweet) tweet")
rows = [row.asDict() for row in chosen.collect()]
storage = Storage(path)
there = [
    name
    for unit in storage.list("")
    if unit.startswith("unit=")
    for revision in storage.list(unit)
    for name in storage.list(f"{unit}/{revision}")
]
logs = b"".join(
    storage.read(f"_delta_log/{name}") for name in storage.list("_delta_log") if "json" in name
)
try:
    refusal = str(Table(spark, path, "another") and "")
except ConfigError as error:
    refusal = str(error)
print(
    json.dumps(
        {
            "rows": rows,
            "files": len(found.inputFiles()),
            "there": len(there),
            "in_log": [
                word
                for row in rows
                for word in (row["id"] or "", (row["text"] or "")[:20])
                if len(word) > 8 and word.encode() in logs
            ],
            "refusal": refusal,
        }
    )
)
