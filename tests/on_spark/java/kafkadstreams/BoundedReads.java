package kafkadstreams;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;

/** Reads partition 0 of a topic up to an offset, as a task does; says how many records came, and the most that a frame has held. */
final class BoundedReads {
  private BoundedReads() {}

  public static void main(String[] args) {
    boolean withHeaders = Boolean.parseBoolean(args[3]);
    Reader reader = Reader.take(Map.of("bootstrap.servers", args[0], "includeHeaders", args[3]), new TopicPartition(args[1], 0));
    reader.seek(0, null);
    long records = 0;
    int largest = 0;
    List<ConsumerRecord<byte[], byte[]>> frame = new ArrayList<>();
    long bytes = 0;
    ConsumerRecord<byte[], byte[]> record = reader.next(Long.parseLong(args[2]), 60_000);
    while (record != null) {
      records++;
      frame.add(record);
      bytes += Frames.sizeOf(record);
      record = reader.next(Long.parseLong(args[2]), 60_000);
      if (bytes >= Frames.TARGET_BYTES || record == null) {
        largest = Math.max(largest, Frames.pack(frame, withHeaders).length);
        frame.clear();
        bytes = 0;
      }
    }
    reader.close();
    System.out.println(records + " " + largest);
  }
}
