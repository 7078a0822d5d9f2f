package kafkadstreams;

import java.io.Serializable;
import org.apache.kafka.common.TopicPartition;

/** The records [from, until) of one Kafka partition. A record class: block metadata needs equality by value. */
public record Range(String topic, int partition, long from, long until) implements Serializable {

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
