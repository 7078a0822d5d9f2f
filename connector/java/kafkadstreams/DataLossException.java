package kafkadstreams;

/** Records that were asked for are not in Kafka any more: retention passed them, or the topic is another one now. */
public class DataLossException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public DataLossException(String message) {
    super(message);
  }
}
