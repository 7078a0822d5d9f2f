package kafkadstreams;

/** A source says that trying again is of no use: the application ends with its text. */
public class GaveUpException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public GaveUpException(String message) {
    super(message);
  }
}
