"""A topic and its honest output in plain values, for the audit's tests to falsify."""

import base64
import copy
import hashlib
import json
import sys
from pathlib import Path

SCRIPTS = str(Path(__file__).resolve().parents[2] / "scripts")
if SCRIPTS not in sys.path:
    sys.path.insert(0, SCRIPTS)

from audit_chain import Batch, merged  # noqa: E402
from audit_judge import Partition, judge, of_record  # noqa: E402

SCORES = {"compound": 0.5, "neg": 0.0, "neu": 0.4, "pos": 0.6, "label": "positive"}
NOW = 1_763_700_000_000


class World:
    """A topic of two partitions and an honest output of three batches, in plain values that a test may falsify."""

    def __init__(self):
        self.records = {("tweets", 0): {}, ("tweets", 1): {}}
        for offset in range(10):
            self.records["tweets", 0][offset] = (b"k%d" % offset, b'{"id":"%d",\r\n"text":"a"}' % offset)
        self.records["tweets", 1] = {
            5: (b"a", None),
            6: (b"\xff", b"not json\n"),
            7: (None, None),
            9: (b"c", b' {"delete":{"status":{"id_str":"7"}}} '),
        }
        self.ends = {("tweets", 0): 10, ("tweets", 1): 10}
        self.batches = []
        self.publish(("tweets", 0, 0, 4))
        self.publish(("tweets", 1, 5, 10))
        self.publish(("tweets", 0, 4, 10))

    def row(self, topic, partition, offset):
        key, value = self.records[topic, partition][offset]
        row = {"kafka": {"topic": topic, "partition": partition, "offset": offset, "timestamp": NOW + offset}}
        if value is None:
            text = None if key is None else key.decode()
            return "tweets/part-0.json.gz", json.dumps(row | {"id": text, "deleted": True, "tweet": None}, separators=(",", ":"))
        if value.startswith(b"not"):
            key_text = "base64:" + base64.b64encode(key).decode()
            return "rejected/part-0.json.gz", json.dumps(
                row | {"key": key_text, "reason": "not_json", "raw": base64.b64encode(value).decode()}
            )
        more = {"id": "7", "deleted": True} if b"delete" in value else {"text": 'the ","tweet": trap', "sentiment": SCORES}
        line = value.decode().replace("\r", "").replace("\n", "")
        return "tweets/part-0.json.gz", json.dumps(row | more, separators=(",", ":"))[:-1] + ',"tweet":' + line + "}"

    def publish(self, *ranges):
        files, counts = {}, {"tweets": 0, "deleted": 0, "rejected": 0}
        for topic, partition, start, end in ranges:
            for offset in self.records[topic, partition]:
                if start <= offset < end:
                    path, line = self.row(topic, partition, offset)
                    files.setdefault(path, []).append(line.encode())
                    kind = "rejected" if path.startswith("rejected") else "deleted" if '"deleted":true' in line else "tweets"
                    counts[kind] += 1
        last = self.batches[-1]["manifest"] if self.batches else {"covered": {"tweets": {"0": [[0, 0]], "1": [[5, 5]]}}}
        covered = copy.deepcopy(last["covered"])
        for topic, partition, start, end in ranges:
            intervals = covered[topic].get(str(partition), [])
            covered[topic][str(partition)] = [list(interval) for interval in merged([*map(tuple, intervals), (start, end)])]
        manifest = {
            "version": 2,
            "seq": len(self.batches),
            "previous": None,
            "ranges": ranges,
            "covered": covered,
            "counts": counts,
            "files": [{"path": path, "bytes": 100, "records": len(lines)} for path, lines in files.items()],
        }
        name = f"0000000/{len(self.batches):010d}"
        self.batches.append({"name": name, "manifest": manifest, "files": files, "lengths": dict.fromkeys(files, 100)})

    def verdict(self, chained=True, unseen=()):
        kafka = {}
        for partition, records in self.records.items():
            digests = {offset: of_record(NOW + offset, key, value) for offset, (key, value) in records.items()}
            kafka[partition] = Partition(min(records, default=0), 10, digests)
        batches, previous = [], None
        for batch in self.batches:
            if chained and batch["manifest"]:
                batch["manifest"]["previous"] = previous
            manifest = json.dumps(batch["manifest"]).encode() if batch["manifest"] else None
            previous = hashlib.sha256(manifest).hexdigest() if manifest else previous
            batches.append(Batch(batch["name"], manifest, batch["lengths"], batch["files"].__getitem__))
        return judge(kafka, batches, lambda: self.ends, unseen)

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
