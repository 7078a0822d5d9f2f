package kafkadstreams;

import java.util.List;
import scala.collection.JavaConverters;
import scala.collection.immutable.Nil$;

/**
 * Scala's collections in the words that 2.12 and 2.13 share, so that the same sources compile against both. An immutable list is
 * what either calls a Seq: scala.collection.Seq in 2.12, scala.collection.immutable.Seq in 2.13.
 */
final class Scala {
  private Scala() {}

  @SuppressWarnings("unchecked")
  static <T> scala.collection.immutable.List<T> none() {
    return (scala.collection.immutable.List<T>) (Object) Nil$.MODULE$;
  }

  static <T> scala.collection.immutable.List<T> one(T element) {
    return Scala.<T>none().$colon$colon(element);
  }

  static <T> scala.collection.Iterator<T> iterator(java.util.Iterator<T> elements) {
    return JavaConverters.asScalaIterator(elements);
  }

  static <T> List<T> list(scala.collection.Seq<T> elements) {
    return JavaConverters.seqAsJavaList(elements);
  }
}
