"""Makes `pyspark.streaming.kafka`, `.mqtt` and `.flume` importable again, without touching
PySpark or importing anything before it is asked for.

Runs at each start of the interpreter: by connector/sitecustomize.py under scripts/submit, by
kafka_dstreams.pth where the wheel is installed; so in the driver and in Spark's Python workers
alike.
"""

import importlib
import importlib.util
import sys

# what PySpark no longer has, and what it is made of
MODULES = {
    "pyspark.streaming.kafka": "kafka_dstreams.kafka_utils",
    "pyspark.streaming.mqtt": "kafka_dstreams.mqtt_utils",
    "pyspark.streaming.flume": "kafka_dstreams.flume_utils",
}
NEWER = ("KafkaDStream", "KafkaRDD", "KafkaTransformedDStream")  # not Spark 2.4's


class Finder:
    """Knows these names. It comes last, so a PySpark that has the module itself keeps it."""

    @staticmethod
    def find_spec(name, path=None, target=None):  # noqa: ARG004  importlib's signature
        """The module's spec, or None for any other name."""
        return importlib.util.spec_from_loader(name, Loader) if name in MODULES else None


class Loader:
    """The module is one of ours under another name: one set of classes."""

    @staticmethod
    def create_module(spec):  # noqa: ARG004  importlib's signature
        """An empty module."""

    @staticmethod
    def exec_module(module):
        """Fill it."""
        ours = importlib.import_module(MODULES[module.__name__])
        module.__doc__ = ours.__doc__
        module.__all__ = [name for name in ours.__all__ if name not in NEWER]
        for name in ours.__all__:
            setattr(module, name, getattr(ours, name))


sys.meta_path.append(Finder)
