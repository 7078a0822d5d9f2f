package kafkadstreams;

import org.apache.kafka.clients.consumer.LogTruncationException;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;

/** Records that were asked for no longer exist in Kafka: retention passed them, the log was cut, or the topic is another one now. */
public class DataLossException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public DataLossException(String message) {
    super(message);
  }

  /** What a consumer's refusal means, in the two stories that it may tell. */
  static DataLossException of(OffsetOutOfRangeException refusal) {
    if (refusal instanceof LogTruncationException cut) {
      return new DataLossException("the log was truncated below what had been read, and has grown again (an unclean leader election, "
          + "or an old copy of it): read up to " + cut.offsetOutOfRangePartitions() + ", the same records only up to "
          + cut.divergentOffsets());
    }
    return new DataLossException(refusal.offsetOutOfRangePartitions() + " no longer exist in Kafka where the receiver had come to: "
        + "retention has overtaken it, or the topic was truncated or made anew");
  }
}
