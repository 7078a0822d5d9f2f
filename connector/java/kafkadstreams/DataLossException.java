package kafkadstreams;

import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.LogTruncationException;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;

/** Records that were asked for no longer exist in Kafka: retention passed them, the log was cut, or the topic is another one now. */
public class DataLossException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public DataLossException(String message) {
    super(message);
  }

  /** What a consumer's refusal means, in the two stories that it may tell. */
  static DataLossException of(OffsetOutOfRangeException refusal) {
    if (refusal instanceof LogTruncationException) {
      LogTruncationException cut = (LogTruncationException) refusal;
      return new DataLossException("the log was truncated below what had been read, and has grown again (an unclean leader election, "
          + "or an old copy of it): " + cut.offsetOutOfRangePartitions().entrySet().stream()
              .map(read -> read.getKey() + " was read up to offset " + read.getValue() + upTo(cut.divergentOffsets().get(read.getKey())))
              .collect(Collectors.joining("; ")));
    }
    return new DataLossException(refusal.offsetOutOfRangePartitions() + " no longer exist in Kafka where the receiver was reading: "
        + "retention has overtaken it, or the topic was truncated, or deleted and created again");
  }

  private static String upTo(OffsetAndMetadata divergent) {
    return divergent == null ? "" : ", and has the same records up to " + divergent.offset() + " only";
  }
}
