import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.spark.util.SystemClock;

/** The clock of the batches, ahead of the machine's by the milliseconds in the file that TEST_CLOCK_SHIFT names. */
public final class ShiftedClock extends SystemClock {
  private static final Path FILE = Path.of(System.getenv("TEST_CLOCK_SHIFT"));

  @Override
  public long getTimeMillis() {
    return super.getTimeMillis() + shift();
  }

  @Override
  public long waitTillTime(long time) {
    long shift = shift();
    return super.waitTillTime(time - shift) + shift;
  }

  private static long shift() {
    try {
      return Long.parseLong(Files.readString(FILE).strip());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
