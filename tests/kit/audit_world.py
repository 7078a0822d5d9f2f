"""A topic and its honest output in plain values, for the audit's tests to falsify."""

import base64
import copy
import hashlib
import json

from audit.chain import Batch, Chain, Damaged
from audit.intervals import holds, merged
from audit.judge import judge
from audit.rows import of_record

SCORES = {"compound": 0.5, "neg": 0.0, "neu": 0.4, "pos": 0.6, "label": "positive"}
NOW = 1_763_700_000_000
# what the judge takes at a time: nothing may depend on it
WINDOWS = {"params": [1, 5, 1000], "ids": ["a window for each batch", "two batches", "one window"]}


def guilty(verdict):
    return {kind: count for kind, count in verdict.findings.items() if count}


class World:
    """A topic of two partitions and an honest output of three batches, in plain values that a test
    may falsify.

    With `records` of a topic of the test's own, `{(topic, partition): {offset: (key, value)}}`,
    nothing is published yet.
    """

    def __init__(self, window_records=1, records=None):
        self.window_records = window_records
        self.batches, self.opened = [], []
        self.covered = {"tweets": {"0": [[0, 0]], "1": [[5, 5]]}}  # when nothing is published
        if records is not None:
            self.records = records
            self.covered = {topic: {} for topic, _ in records}
            return
        self.records = {("tweets", 0): {}, ("tweets", 1): {}}
        for offset in range(10):
            self.records["tweets", 0][offset] = (
                b"k%d" % offset,
                b'{"id":"%d",\r\n"text":"a"}' % offset,
            )
        self.records["tweets", 1] = {
            5: (b"a", None),
            6: (b"\xff", b"not json\n"),
            7: (None, None),
            9: (b"c", b' {"delete":{"status":{"id_str":"7"}}} '),
        }
        self.ends = {("tweets", 0): 10, ("tweets", 1): 10}
        self.beginnings = {}  # where they are not the first record's
        self.compact, self.known = False, {}  # whether the topic is compacted, what a ledger has
        self.asked = lambda: None  # what happens when the bounds have been asked for
        self.publish(("tweets", 0, 0, 4))
        self.publish(("tweets", 1, 5, 10))
        self.publish(("tweets", 0, 4, 10))

    def row(self, topic, partition, offset):
        key, value = self.records[topic, partition][offset]
        row = {
            "kafka": {
                "topic": topic,
                "partition": partition,
                "offset": offset,
                "timestamp": NOW + offset,
            }
        }
        if value is None:
            text = None if key is None else key.decode()
            return "tweets/part-0.json.gz", json.dumps(
                row | {"id": text, "deleted": True, "tweet": None}, separators=(",", ":")
            )
        if value.startswith(b"not"):
            key_text = "base64:" + base64.b64encode(key).decode()
            return "rejected/part-0.json.gz", json.dumps(
                row
                | {"key": key_text, "reason": "not_json", "raw": base64.b64encode(value).decode()}
            )
        more = (
            {"id": "7", "deleted": True}
            if b"delete" in value
            else {"text": 'the ","tweet": trap', "sentiment": SCORES}
        )
        line = value.decode().replace("\r", "").replace("\n", "")
        return "tweets/part-0.json.gz", json.dumps(row | more, separators=(",", ":"))[
            :-1
        ] + ',"tweet":' + line + "}"

    def publish(self, *ranges):
        files, counts = {}, {"tweets": 0, "deleted": 0, "rejected": 0}
        for topic, partition, start, end in ranges:
            for offset in self.records[topic, partition]:
                if start <= offset < end:
                    path, line = self.row(topic, partition, offset)
                    files.setdefault(path, []).append(line.encode())
                    kind = (
                        "rejected"
                        if path.startswith("rejected")
                        else "deleted"
                        if '"deleted":true' in line
                        else "tweets"
                    )
                    counts[kind] += 1
        last = self.batches[-1]["manifest"] if self.batches else {"covered": self.covered}
        covered = copy.deepcopy(last["covered"])
        for topic, partition, start, end in ranges:
            intervals = covered[topic].get(str(partition), [])
            covered[topic][str(partition)] = [
                list(interval) for interval in merged([*map(tuple, intervals), (start, end)])
            ]
        manifest = {
            "version": 2,
            "identity": "one output",
            "seq": len(self.batches),
            "previous": None,
            "ranges": ranges,
            "covered": covered,
            "counts": counts,
            "files": [
                {"path": path, "bytes": 100, "records": len(lines)} for path, lines in files.items()
            ],
        }
        name = f"0000000/{len(self.batches):010d}"
        self.batches.append(
            {
                "name": name,
                "manifest": manifest,
                "files": files,
                "lengths": dict.fromkeys(files, 100),
            }
        )

    def verdict(self, chained=True, unseen=(), first=0, until=None, skipped=()):
        """The judge's word on batches `[first, until)`, `self.window_records` at a time."""
        batches, previous = [], None
        for batch in self.batches:
            if chained and batch["manifest"]:
                batch["manifest"]["previous"] = previous
            manifest = json.dumps(batch["manifest"]).encode() if batch["manifest"] else None
            previous = hashlib.sha256(manifest).hexdigest() if manifest else previous
            batches.append(self.batch(batch, manifest))
        chain = Chain(first, batches[first - 1].manifest if first else None)
        kafka = Kafka(self, set(skipped))
        return judge(
            kafka, batches[first:until], lambda: unseen, chain, until is None, self.window_records
        )

    def batch(self, batch, manifest):
        lengths = batch["lengths"]

        def lines(path, length):
            self.opened.append((batch["name"], path))
            if lengths.get(path) != length:
                raise Damaged(f"it has {lengths.get(path)} bytes, not {length}")
            return batch["files"][path]

        files, size = len(lengths) + bool(manifest), sum(lengths.values()) + len(manifest or b"")
        return Batch(batch["name"], manifest, (files, size), lambda: lengths, lines)

    def lines(self, seq):
        return self.batches[seq]["files"]["tweets/part-0.json.gz"]

    def falsify(self, old, new):
        """Replace bytes in the one line that has them."""
        hits = 0
        for batch in self.batches:
            for lines in batch["files"].values():
                for index, line in enumerate(lines):
                    hits += old in line
                    lines[index] = line.replace(old, new)
        assert hits == 1, f"{old!r} is in {hits} lines"

    def amend(self, seq, /, **parts):
        self.batches[seq]["manifest"].update(parts)


class Kafka:
    """The world's records, as the judge asks for them."""

    def __init__(self, world, skipped):
        self.world, self.skipped = world, skipped

    def bounds(self):
        world = self.world
        bounds = {
            at: (world.beginnings.get(at, min(records, default=0)), world.ends[at])
            for at, records in world.records.items()
            if at not in self.skipped
        }
        world.asked()
        return bounds

    def read(self, spans):
        found, bounds = {}, self.bounds()
        for at, intervals in spans.items():
            beginning, end = bounds[at]
            found[at] = {
                offset: of_record(NOW + offset, key, value)
                for offset, (key, value) in self.world.records[at].items()
                if beginning <= offset < end and holds(intervals, offset)
            }
        return found

    def compacted(self, _topic):
        return self.world.compact

    def vouched(self, topic, partition, offset, sha256):
        at = topic, partition, offset
        return at in self.world.known and self.world.known[at] == sha256
