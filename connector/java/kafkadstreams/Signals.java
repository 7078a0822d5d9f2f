package kafkadstreams;

import sun.misc.Signal;

/**
 * Handles SIGINT and SIGTERM in place of the JVM, which would shut the executor down under running tasks. The driver
 * asks `requested` and stops the streams in order.
 */
public final class Signals {
  private static volatile String requested;

  private Signals() {}

  public static void install() {
    for (String name : new String[] {"INT", "TERM"}) {
      Signal.handle(new Signal(name), signal -> {
        if (requested != null) Runtime.getRuntime().halt(130); // asked twice: at once
        requested = "SIG" + signal.getName();
      });
    }
  }

  /** The signal that has come, or null. */
  public static String requested() {
    return requested;
  }
}
