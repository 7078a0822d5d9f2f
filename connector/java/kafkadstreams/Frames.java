package kafkadstreams;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import net.jpountz.lz4.LZ4CompressorWithLength;
import net.jpountz.lz4.LZ4DecompressorWithLength;
import net.jpountz.lz4.LZ4Factory;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;

/**
 * Packs many records of one partition into one byte string, the only form in which records cross into Python.
 * The layout is in docs/wire-format.md; kafka_dstreams/frames.py reads it.
 */
final class Frames {
  static final int MAGIC = 0x3152464B; // "KFR1" as little-endian bytes
  static final int HEADER_BYTES = 24;
  /** The flag of a frame that has its records' headers behind the values. */
  static final long HEADERS = 1;

  /** Python pays per frame, and gzip does better on longer ones; from 512 KiB on G1 has special, slow regions for them. */
  static final int TARGET_BYTES = 384 * 1024;

  private static final LZ4Factory LZ4 = LZ4Factory.fastestInstance();
  /** What Kafka's client makes of a header beside its bytes: of two bytes on the wire become three objects. */
  private static final int HEADER_OBJECTS_BYTES = 160;
  private static final int COLUMN_BYTES = 2 * Long.BYTES + 2 * Integer.BYTES;

  private Frames() {}

  /** The bytes of a record in memory, which are at least those in a frame; its headers always count. */
  static long sizeOf(ConsumerRecord<byte[], byte[]> record) {
    return (long) COLUMN_BYTES + length(record.key()) + length(record.value()) + sizeOf(record.headers());
  }

  static long sizeOf(Headers headers) {
    long size = 0;
    for (Header header : headers) size += HEADER_OBJECTS_BYTES + header.key().length() + length(header.value());
    return size;
  }

  /** The records as a frame will have them: headers that were not asked for are not kept until it is full. */
  static List<ConsumerRecord<byte[], byte[]>> kept(Iterable<ConsumerRecord<byte[], byte[]>> polled, boolean withHeaders) {
    List<ConsumerRecord<byte[], byte[]>> out = new ArrayList<>();
    for (ConsumerRecord<byte[], byte[]> one : polled) {
      out.add(withHeaders || !one.headers().iterator().hasNext() ? one : new ConsumerRecord<>(one.topic(), one.partition(), one.offset(),
          one.timestamp(), one.timestampType(), -1, -1, one.key(), one.value(), new RecordHeaders(), one.leaderEpoch()));
    }
    return out;
  }

  static byte[] pack(List<ConsumerRecord<byte[], byte[]>> records, boolean withHeaders) {
    ConsumerRecord<byte[], byte[]> first = records.get(0);
    byte[] topic = first.topic().getBytes(StandardCharsets.UTF_8);
    long size = HEADER_BYTES + topic.length;
    for (ConsumerRecord<byte[], byte[]> record : records) size += COLUMN_BYTES + length(record.key()) + length(record.value());
    List<byte[]> headers = withHeaders ? records.stream().map(Frames::headers).collect(Collectors.toList()) : List.of();
    for (byte[] packed : headers) size += packed.length;
    ByteBuffer frame = ByteBuffer.allocate(Math.toIntExact(size)).order(ByteOrder.LITTLE_ENDIAN);
    frame.putInt(MAGIC).putInt(records.size()).putInt(first.partition()).putInt(topic.length).putLong(withHeaders ? HEADERS : 0);
    for (ConsumerRecord<byte[], byte[]> record : records) frame.putLong(record.offset());
    for (ConsumerRecord<byte[], byte[]> record : records) frame.putLong(record.timestamp());
    for (ConsumerRecord<byte[], byte[]> record : records) frame.putInt(record.key() == null ? -1 : record.key().length);
    for (ConsumerRecord<byte[], byte[]> record : records) frame.putInt(record.value() == null ? -1 : record.value().length);
    frame.put(topic);
    for (ConsumerRecord<byte[], byte[]> record : records) if (record.key() != null) frame.put(record.key());
    for (ConsumerRecord<byte[], byte[]> record : records) if (record.value() != null) frame.put(record.value());
    headers.forEach(frame::put);
    return frame.array();
  }

  /** For the write-ahead log and the executor's memory, where bytes are the price: the frame's length and one block of LZ4. */
  static byte[] toStore(byte[] frame) {
    return new LZ4CompressorWithLength(LZ4.fastCompressor()).compress(frame);
  }

  /** The frame again. No frame is as long as its first four bytes would say: one that was stored as it is, is known by them. */
  static byte[] fromStore(byte[] stored) {
    if (ByteBuffer.wrap(stored).order(ByteOrder.LITTLE_ENDIAN).getInt() == MAGIC) return stored;
    return new LZ4DecompressorWithLength(LZ4.safeDecompressor()).decompress(stored);
  }

  private static byte[] headers(ConsumerRecord<byte[], byte[]> record) {
    List<byte[]> parts = new ArrayList<>();
    for (Header header : record.headers()) {
      parts.add(header.key().getBytes(StandardCharsets.UTF_8));
      parts.add(header.value());
    }
    long size = Integer.BYTES * (1L + parts.size()) + parts.stream().mapToLong(Frames::length).sum();
    ByteBuffer out = ByteBuffer.allocate(Math.toIntExact(size)).order(ByteOrder.LITTLE_ENDIAN).putInt(parts.size() / 2);
    for (byte[] part : parts) out.putInt(part == null ? -1 : part.length).put(part == null ? new byte[0] : part);
    return out.array();
  }

  private static int length(byte[] bytes) {
    return bytes == null ? 0 : bytes.length;
  }
}
