import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.streaming.util.FileBasedWriteAheadLog;
import org.apache.spark.streaming.util.FileBasedWriteAheadLogSegment;

/**
 * Spark's write-ahead log with faults on order: each write takes the first line of the file `orders` in spark.test.log, if there
 * is one: "fail", or a number of milliseconds to wait. What was ordered is appended to `served`.
 */
public final class FaultyLog extends FileBasedWriteAheadLog {
  private static final Object ONE_AT_A_TIME = new Object();

  private final Path folder;

  public FaultyLog(SparkConf conf) {
    super(conf, conf.get("spark.test.log") + "/blocks", new Configuration(), 60, 1, false);
    folder = Path.of(conf.get("spark.test.log"));
  }

  @Override
  public FileBasedWriteAheadLogSegment write(ByteBuffer data, long time) {
    try {
      String order = order();
      if (order.equals("fail")) throw new IOException("ordered to fail");
      if (!order.isEmpty()) Thread.sleep(Long.parseLong(order));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    return super.write(data, time);
  }

  private String order() throws IOException {
    synchronized (ONE_AT_A_TIME) {
      List<String> orders = Files.readAllLines(folder.resolve("orders"));
      if (orders.isEmpty()) return "";
      Path rest = Files.write(folder.resolve("rest"), orders.subList(1, orders.size()));
      Files.move(rest, folder.resolve("orders"), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
      Files.writeString(folder.resolve("served"), orders.get(0) + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
      return orders.get(0);
    }
  }
}
