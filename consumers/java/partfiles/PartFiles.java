package partfiles;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.deploy.SparkHadoopUtil;

/**
 * Writes what Python tasks yield into files, as it comes, through the JVM's Hadoop client. A blob's first byte says what
 * it is: 'T' bytes for the tweets' file, 'R' bytes for the rejected records' file, 'S' the task's summary (JSON).
 */
public final class PartFiles {
  private static final Map<Character, String> KINDS = Map.of('T', "tweets", 'R', "rejected");

  private PartFiles() {}

  /** For each task that ended well its summary and the files it wrote: {"summary": …, "files": {kind: [name, bytes]}}. */
  public static List<String> write(JavaRDD<byte[]> blobs, String folder) {
    return blobs.mapPartitionsWithIndex((index, task) -> writeTask(index, task, folder), true).collect();
  }

  /** Runs on an executor. The names are this attempt's own, so a retried or forgotten attempt overwrites nobody. */
  private static Iterator<String> writeTask(int index, Iterator<byte[]> blobs, String folder) throws IOException {
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
        if (!open.containsKey(kind)) open.put(kind, create(path(folder, kind, index)));
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

  /** Never makes the folder: when the driver has taken it away, this task has been given up. */
  private static FSDataOutputStream create(Path path) throws IOException {
    FileSystem files = path.getFileSystem(SparkHadoopUtil.get().conf());
    return files.createFile(path).overwrite(false).build();
  }

  private static void closeAfterFailure(OutputStream file) {
    try {
      file.close(); // does nothing where the file is closed already
    } catch (IOException e) {
      // the failure that led here is the one to report
    }
  }
}
