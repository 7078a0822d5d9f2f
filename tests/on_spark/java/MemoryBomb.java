import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.SparkConf;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;

/** Takes all memory of the driver's JVM when a task has ended, if the file spark.test.bomb is there; it is gone then. */
public final class MemoryBomb extends SparkListener {
  private final Path file;

  public MemoryBomb(SparkConf conf) {
    file = Path.of(conf.get("spark.test.bomb"));
  }

  @Override
  public void onTaskEnd(SparkListenerTaskEnd event) {
    try {
      if (!Files.deleteIfExists(file)) return;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    List<byte[]> held = new ArrayList<>();
    while (true) held.add(new byte[32 << 20]);
  }
}
