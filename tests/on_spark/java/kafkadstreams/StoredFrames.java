package kafkadstreams;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** For each of the frames in these files: its length in a receiver's store, whether it comes back, and as it is from an old store. */
final class StoredFrames {
  private StoredFrames() {}

  public static void main(String[] files) throws IOException {
    for (String file : files) {
      byte[] frame = Files.readAllBytes(Path.of(file));
      byte[] stored = Frames.toStore(frame);
      System.out.printf("%d %b %b%n", stored.length, Arrays.equals(Frames.fromStore(stored), frame), Frames.fromStore(frame) == frame);
    }
  }
}
