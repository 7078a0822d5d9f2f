package partfiles;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.DistributedFileSystem.HdfsDataOutputStreamBuilder;
import org.apache.spark.SparkContext;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Writes what Python tasks yield into files, as it comes, through the JVM's Hadoop client. A blob's first byte says what
 * it is: 'T' bytes for the tweets' file, 'R' bytes for the rejected records' file, 'S' the task's summary (JSON).
 */
public final class PartFiles {
  private static final Map<Character, String> KINDS = Map.of('T', "tweets", 'R', "rejected");

  private static SparkContext sender;
  private static Broadcast<SerializableConfiguration> sent;

  private PartFiles() {}

  /**
   * For each task that ended well its summary and the files it wrote: {"summary": …, "files": {kind: [name, bytes]}}. With `forced`
   * each file is on the DataNodes' disks, and in their folders, when its task ends: a power cut loses nothing of it.
   */
  public static List<String> write(JavaRDD<byte[]> blobs, String folder, boolean forced) {
    Broadcast<SerializableConfiguration> hadoop = hadoop(blobs.context());
    return blobs.mapPartitionsWithIndex((index, task) -> writeTask(index, task, folder, hadoop, forced), true).collect();
  }

  /** The driver's Hadoop settings, sent once: an executor of its own process does not have the driver's spark.hadoop.*. */
  static synchronized Broadcast<SerializableConfiguration> hadoop(SparkContext driver) {
    if (sender != driver) {
      SerializableConfiguration settings = new SerializableConfiguration(driver.hadoopConfiguration());
      sent = JavaSparkContext.fromSparkContext(driver).broadcast(settings);
      sender = driver;
    }
    return sent;
  }

  /** Runs on an executor. The names are this attempt's own, so a retried or forgotten attempt overwrites no other's file. */
  private static Iterator<String> writeTask(
      int index, Iterator<byte[]> blobs, String folder, Broadcast<SerializableConfiguration> hadoop, boolean forced)
      throws IOException {
    Map<Character, FSDataOutputStream> open = new LinkedHashMap<>();
    String summary = null;
    try {
      while (blobs.hasNext()) {
        byte[] blob = blobs.next();
        char kind = (char) blob[0];
        if (kind == 'S') {
          summary = new String(blob, 1, blob.length - 1, StandardCharsets.UTF_8);
          continue;
        }
        if (!open.containsKey(kind)) open.put(kind, create(path(folder, kind, index), hadoop.value().value(), forced));
        open.get(kind).write(blob, 1, blob.length - 1);
      }
      List<String> files = new ArrayList<>();
      for (Map.Entry<Character, FSDataOutputStream> file : open.entrySet()) {
        file.getValue().close();
        files.add("\"" + KINDS.get(file.getKey()) + "\": [\"" + path(folder, file.getKey(), index).getName() + "\", "
            + file.getValue().getPos() + "]");
      }
      if (summary == null) throw new IOException("task " + index + " ended without its summary");
      return List.of("{\"summary\": " + summary + ", \"files\": {" + String.join(", ", files) + "}}").iterator();
    } finally {
      for (OutputStream file : open.values()) closeAfterFailure(file);
    }
  }

  private static Path path(String folder, char kind, int index) {
    return new Path(folder, String.format("%s-%05d-%d.json.gz", KINDS.get(kind), index, TaskContext.get().taskAttemptId()));
  }

  /** Never makes the folder: when the driver has removed it, this task has been given up. */
  private static FSDataOutputStream create(Path path, Configuration hadoop, boolean forced) throws IOException {
    DistributedFileSystem files = (DistributedFileSystem) path.getFileSystem(hadoop);
    HdfsDataOutputStreamBuilder file = files.createFile(path).overwrite(false);
    return (forced ? file.syncBlock() : file).build();
  }

  private static void closeAfterFailure(OutputStream file) {
    try {
      file.close(); // does nothing where the file is closed already
    } catch (IOException e) {
      // the failure that led here is the one to report
    }
  }
}
