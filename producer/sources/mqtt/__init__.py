"""The source `mqtt`: messages of an MQTT broker, each one tweet's JSON, at least once."""

from config.errors import ConfigError
from config.settings import Settings
from producer.sources import Check, Memory, State

NEEDED = "the source mqtt needs the package paho-mqtt, which is not installed"
REMEDY = "install it: .venv/bin/pip install paho-mqtt==2.2.0, or tweets-to-hdfs[mqtt] from a wheel"

try:
    from producer.sources.mqtt import broker, messages
except ModuleNotFoundError as error:  # an extra: the other sources do without
    if not (error.name or "").startswith("paho"):
        raise
    raise ConfigError(NEEDED, "--source mqtt", REMEDY) from None


def open(chosen: Settings, state: State, memory: Memory) -> "messages.Messages":
    """See `Messages`."""
    if memory.kept is None:
        what = "a message is acknowledged when the spool has it, and there is no spool"
        raise ConfigError(what, "--spool none", "leave --spool out, or give a folder")
    return messages.Messages(broker.of(chosen), state, bool(memory.position), memory.kept)


def question(chosen: Settings) -> object:
    """The session that the broker keeps for us."""
    return (chosen.mqtt_url, chosen.mqtt_client_id, chosen.mqtt_topic)


def checks(chosen: Settings) -> list[Check]:
    """Does the broker take the log-in and the subscription?"""
    return [("MQTT broker", lambda: f", {broker.look(broker.of(chosen))}")]
