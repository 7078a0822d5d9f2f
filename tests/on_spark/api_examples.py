"""The examples in the docstrings of the connector's public names, run as doctests.

spark-submit … api_examples.py BOOTSTRAP
"""

import doctest
import struct
import sys

import cases
from kafka.admin import KafkaAdminClient
from pyspark.streaming import StreamingContext

import kafka_dstreams
from tests.kit.frame_bytes import pack

BOOTSTRAP = sys.argv[1]
FLAGS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL


def words():
    """The topic of the examples, one partition of two records, new."""
    admin = KafkaAdminClient(bootstrap_servers=BOOTSTRAP)
    admin.create_topics(
        {"words": {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True
    )
    admin.close()
    cases.send("words", [b"to", b"be"], partitions=1)


def examples_of(name):
    """The doctests of a public name and of its methods."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    return [test for test in finder.find(getattr(kafka_dstreams, name), name) if test.examples]


def case_of(name):
    """Run them; fails where a name has none."""

    def case():
        tests = examples_of(name)
        assert tests, f"{name} has no example"
        for test in tests:
            ssc = StreamingContext(cases.sc, 0.5)
            test.globs = {
                **{public: getattr(kafka_dstreams, public) for public in kafka_dstreams.__all__},
                "struct": struct,
                "sc": cases.sc,
                "ssc": ssc,
                "brokers": BOOTSTRAP,
                "params": {"bootstrap.servers": BOOTSTRAP},
                "frame": pack("words", 0, [(0, 5, None, b"to"), (1, 6, None, b"be")]),
            }
            said = []
            doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append)
            ssc.stop(stopSparkContext=False, stopGraceFully=False)
            assert not said, "".join(said)

    return case


words()
cases.main({f"case_{name}": case_of(name) for name in kafka_dstreams.__all__})
