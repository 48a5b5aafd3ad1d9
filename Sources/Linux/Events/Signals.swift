import CLinux
import Glibc

/// Signals that are read from a descriptor instead of interrupting.
///
/// They are blocked in the creating thread and in the threads and processes that it creates later: create this first.
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

  /// The next pending signal; nil when there is none.
  public func next() -> Int32? {
    let signal = cl_next_signal(descriptor.number)
    return signal > 0 ? signal : nil
  }

  /// Lets a signal that was read have its default effect on this process: returns where it does not end the process, or
  /// after one that has stopped was continued.
  public func deliver(_ signal: Int32) {
    var set = SignalSet([signal])
    raise(signal)
    // SAFETY: both calls copy the set.
    _ = unsafe pthread_sigmask(SIG_UNBLOCK, &set.bits, nil)
    _ = unsafe pthread_sigmask(SIG_BLOCK, &set.bits, nil)
  }
}

/// Dispositions of signals that are not read.
public enum Signals {
  /// Writing to a closed socket fails with EPIPE instead of ending the process.
  public static func ignoreBrokenPipes() { _ = cl_ignore_signal(SIGPIPE) }

  /// Signals that end a process by default and that other programs send by mistake or habit: a UPS daemon that signals
  /// process 1 (SIGPWR), a script with the wrong target (SIGUSR1), a file size limit (SIGXFSZ; the write fails
  /// instead). Crash signals and SIGQUIT are not included.
  public static let unhandled: [Int32] =
    [SIGALRM, SIGVTALRM, SIGPROF, SIGUSR1, SIGUSR2, SIGIO, SIGPWR, SIGSTKFLT, SIGXCPU, SIGXFSZ]
    // SIGRTMIN to SIGRTMAX; glibc reserves the two before.
    + Array(34...64)

  /// Ignores these signals and SIGPIPE.
  public static func ignoreUnhandled() {
    for signal in unhandled { _ = cl_ignore_signal(signal) }
    ignoreBrokenPipes()
  }

  /// For example `SIGSEGV (Segmentation fault)`.
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
    // SAFETY: the calls write to the set they are passed.
    unsafe sigemptyset(&bits)
    for signal in signals { unsafe sigaddset(&bits, signal) }
  }

  static var all: SignalSet {
    var set = SignalSet([])
    // SAFETY: the call writes to the set it is passed, and keeps no pointer.
    unsafe sigfillset(&set.bits)
    return set
  }
}
