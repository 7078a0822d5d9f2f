package kafkadstreams;

/** Prints the length of a block that begins at each millisecond of a second, for a block interval and a batch interval. */
public final class BlockLengths {
  public static void main(String[] args) {
    long block = Long.parseLong(args[0]);
    long batch = Long.parseLong(args[1]);
    for (long now = 1_767_225_600_000L; now < 1_767_225_601_000L; now++) System.out.println(BlockLength.ms(now, block, batch));
  }
}
