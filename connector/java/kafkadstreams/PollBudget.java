package kafkadstreams;

import java.nio.ByteBuffer;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.utils.Utils;

/**
 * Ends a poll after some megabytes. Kafka has no such limit: it counts a poll's records, or a fetch's bytes while they are
 * compressed, and one batch of a megabyte may hold gigabytes. But the client unpacks a record only when it is about to hand it
 * out. One that is refused here ends the poll with those before it, and is the first of the next poll.
 */
final class PollBudget implements Deserializer<byte[]> {
  static final int BYTES = 8 << 20;

  private long left;
  private Headers current; // those of the record that is being read: its key and its value come with the same ones

  /** To be called before each poll. The first record is taken whatever its size. */
  void renew() {
    left = BYTES;
  }

  @Override
  public byte[] deserialize(String topic, Headers headers, ByteBuffer data) {
    if (headers != current && left <= 0) throw new SerializationException("no error: the poll has its bytes, this record comes with the next");
    left -= data.remaining() + (headers == current ? 0 : Frames.sizeOf(headers));
    current = headers;
    return Utils.toNullableArray(data);
  }

  @Override
  public byte[] deserialize(String topic, byte[] data) {
    return data;
  }
}
