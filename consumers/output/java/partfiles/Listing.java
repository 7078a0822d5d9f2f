package partfiles;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.protocol.DirectoryListing;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;

/** A folder's entries as one text, so that Python makes one call however many there are. */
public final class Listing {
  private Listing() {}

  /**
   * The entries whose names are greater than `after`: "name/d or f/inode/number of entries", joined by "//" (no name has a slash).
   * The NameNode gives a thousand of them in one answer.
   */
  public static String of(DistributedFileSystem files, String folder, String after) throws IOException {
    List<String> found = new ArrayList<>();
    byte[] last = after.getBytes(StandardCharsets.UTF_8);
    DirectoryListing page;
    do {
      page = files.getClient().listPaths(folder, last);
      if (page == null) throw new FileNotFoundException(folder);
      for (HdfsFileStatus entry : page.getPartialListing()) {
        String kind = entry.isDirectory() ? "d" : "f";
        found.add(String.join("/", entry.getLocalName(), kind, "" + entry.getFileId(), "" + entry.getChildrenNum()));
      }
      last = page.getLastName();
    } while (page.hasMore());
    return String.join("//", found);
  }
}
