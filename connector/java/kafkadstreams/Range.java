package kafkadstreams;

import java.io.Serializable;
import org.apache.kafka.common.TopicPartition;

/**
 * The records [from, until) of one Kafka partition, and the leader epochs (null: unknown) under which the records before `from`
 * were read and those before `until` were there. A record class: block metadata needs equality by value.
 */
public record Range(String topic, int partition, long from, long until, Integer fromEpoch, Integer epoch) implements Serializable {

  Range(String topic, int partition, long from, long until) {
    this(topic, partition, from, until, null, null);
  }

  public TopicPartition topicPartition() {
    return new TopicPartition(topic, partition);
  }

  public long count() {
    return until - from;
  }

  @Override
  public String toString() {
    return topic + "[" + partition + "] [" + from + ", " + until + ")";
  }
}
