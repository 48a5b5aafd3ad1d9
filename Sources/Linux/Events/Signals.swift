import CLinux
import Glibc

/// Signals that are read as data from a descriptor instead of interrupting.
///
/// They are blocked in the thread that makes this, and in threads and processes that come from it: make it first.
public struct SignalReader: ~Copyable {
  public let descriptor: Descriptor

  /// Blocks the signals in this thread.
  public init(_ signals: [Int32]) throws(SystemError) {
    var set = SignalSet(signals)
    // SAFETY: both calls copy the set.
    let code = unsafe pthread_sigmask(SIG_BLOCK, &set.bits, nil)
    guard code == 0 else { throw SystemError("pthread_sigmask", code: code) }
    descriptor = try Descriptor(unsafe cl_signalfd(&set.bits), of: "signalfd")
  }

  /// The next signal that has come; nil when there is none.
  public func next() -> Int32? {
    let signal = cl_next_signal(descriptor.number)
    return signal > 0 ? signal : nil
  }
}

/// What a process does about signals that it does not read.
public enum Signals {
  /// A write to a closed socket is an error of that write, not the process's end.
  public static func ignoreBrokenPipes() { _ = cl_ignore_signal(SIGPIPE) }

  /// Signals that end a process which does not know them, and that others send by habit: a UPS daemon that knows only
  /// process 1's (SIGPWR), a script that means another program (SIGUSR1), a limit on a file's size (SIGXFSZ, which is an
  /// error of the write instead). Those of crashes and SIGQUIT are none of them.
  public static let strays: [Int32] =
    [SIGALRM, SIGVTALRM, SIGPROF, SIGUSR1, SIGUSR2, SIGIO, SIGPWR, SIGSTKFLT, SIGXCPU, SIGXFSZ]
    // SIGRTMIN to SIGRTMAX; the two before are glibc's own.
    + Array(34...64)

  /// Has strays do nothing, and broken pipes be an error of the write.
  public static func ignoreStrays() {
    for signal in strays { _ = cl_ignore_signal(signal) }
    ignoreBrokenPipes()
  }

  /// `SIGSEGV (Segmentation fault)`.
  public static func words(for signal: Int32) -> String {
    // SAFETY: both functions return static strings or null; the strings are copied here.
    guard let name = unsafe cl_signal_name(signal), let words = unsafe cl_signal_words(signal) else {
      return "signal \(signal)"
    }
    return unsafe "SIG\(String(cString: name)) (\(String(cString: words)))"
  }
}

struct SignalSet {
  var bits = sigset_t()

  init(_ signals: [Int32]) {
    // SAFETY: the calls write to the set that they are given.
    unsafe sigemptyset(&bits)
    for signal in signals { unsafe sigaddset(&bits, signal) }
  }

  static var all: SignalSet {
    var set = SignalSet([])
    // SAFETY: the call writes to the set that it is given, and keeps no pointer.
    unsafe sigfillset(&set.bits)
    return set
  }
}
