package kafkadstreams;

import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.common.TopicPartition;

/**
 * The records [from, until) of one Kafka partition, and the leader epochs (null: unknown) under which the records before `from`
 * were read and those before `until` were there. Equal by value: block metadata needs it.
 */
public final class Range implements Serializable {
  private static final long serialVersionUID = 1L;

  private final String topic;
  private final int partition;
  private final long from;
  private final long until;
  private final Integer fromEpoch;
  private final Integer epoch;

  Range(String topic, int partition, long from, long until) {
    this(topic, partition, from, until, null, null);
  }

  Range(String topic, int partition, long from, long until, Integer fromEpoch, Integer epoch) {
    this.topic = topic;
    this.partition = partition;
    this.from = from;
    this.until = until;
    this.fromEpoch = fromEpoch;
    this.epoch = epoch;
  }

  public String topic() {
    return topic;
  }

  public int partition() {
    return partition;
  }

  public long from() {
    return from;
  }

  public long until() {
    return until;
  }

  Integer fromEpoch() {
    return fromEpoch;
  }

  Integer epoch() {
    return epoch;
  }

  public TopicPartition topicPartition() {
    return new TopicPartition(topic, partition);
  }

  public long count() {
    return until - from;
  }

  private List<Object> values() {
    return Arrays.asList(topic, partition, from, until, fromEpoch, epoch);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Range && values().equals(((Range) other).values());
  }

  @Override
  public int hashCode() {
    return values().hashCode();
  }

  @Override
  public String toString() {
    return topic + "[" + partition + "] [" + from + ", " + until + ")";
  }
}
