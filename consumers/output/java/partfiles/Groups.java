package partfiles;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;

/** Reads whole files for Python tasks, through the JVM's Hadoop client: the other way of PartFiles. */
public final class Groups {
  private Groups() {}

  /**
   * One task for each group of paths. It gets each file's bytes behind the first letter of its folder's name, so 't' of tweets and
   * 'r' of rejected. Paths are separated by a line break, groups by an empty line.
   */
  public static JavaRDD<byte[]> read(JavaSparkContext spark, String paths) {
    List<String> groups = Arrays.asList(paths.split("\n\n"));
    Broadcast<SerializableConfiguration> hadoop = PartFiles.hadoop(spark.sc());
    return spark.parallelize(groups, groups.size()).flatMap(group -> files(group.split("\n"), hadoop.value().value()));
  }

  private static Iterator<byte[]> files(String[] paths, Configuration hadoop) {
    return new Iterator<>() {
      private int next;

      @Override
      public boolean hasNext() {
        return next < paths.length;
      }

      @Override
      public byte[] next() {
        if (!hasNext()) throw new NoSuchElementException();
        try {
          return content(new Path(paths[next++]), hadoop);
        } catch (IOException e) {
          throw new java.io.UncheckedIOException(e);
        }
      }
    };
  }

  private static byte[] content(Path path, Configuration hadoop) throws IOException {
    int length = Math.toIntExact(path.getFileSystem(hadoop).getFileStatus(path).getLen());
    byte[] out = new byte[length + 1];
    out[0] = (byte) path.getParent().getName().charAt(0);
    try (InputStream in = path.getFileSystem(hadoop).open(path)) {
      if (in.readNBytes(out, 1, length) != length) throw new IOException(path + " ended early");
    }
    return out;
  }
}
