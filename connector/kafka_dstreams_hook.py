"""Makes `pyspark.streaming.kafka` importable again, without touching PySpark or importing anything
before it is asked for.

Runs at each start of the interpreter: by connector/sitecustomize.py under scripts/submit, by
kafka_dstreams.pth where the wheel is installed; so in the driver and in Spark's Python workers
alike.
"""

import importlib.util
import sys

NAME = "pyspark.streaming.kafka"


class Finder:
    """Knows one name. It comes last, so a PySpark that has the module itself keeps it."""

    @staticmethod
    def find_spec(name, path=None, target=None):  # noqa: ARG004  importlib's signature
        """The module's spec, or None for any other name."""
        return importlib.util.spec_from_loader(name, Loader) if name == NAME else None


class Loader:
    """The module is kafka_dstreams.kafka_utils under another name: one set of classes."""

    @staticmethod
    def create_module(spec):  # noqa: ARG004  importlib's signature
        """An empty module."""

    @staticmethod
    def exec_module(module):
        """Fill it."""
        from kafka_dstreams import kafka_utils

        module.__doc__ = kafka_utils.__doc__
        module.__all__ = [
            "Broker",
            "KafkaMessageAndMetadata",
            "KafkaUtils",
            "OffsetRange",
            "TopicAndPartition",
            "utf8_decoder",
        ]
        for name in kafka_utils.__all__:
            setattr(module, name, getattr(kafka_utils, name))


sys.meta_path.append(Finder)
