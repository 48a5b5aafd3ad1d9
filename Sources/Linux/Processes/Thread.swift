import CLinux
import Glibc

/// A system thread, joined or detached.
@safe
public struct Thread: ~Copyable {
  private let handle: pthread_t

  /// Starts a thread called `name` (at most 15 bytes) that runs `body`.
  ///
  /// `body` must come from a nonisolated function: a closure literal inside `@main` is inferred to be on the main actor
  /// and traps on the second thread.
  public init(name: String, body: @escaping @Sendable () -> Void) throws(SystemError) {
    let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
    var handle = pthread_t()
    // Signals are read in one thread only; a new thread inherits the signal mask.
    var mask = sigset_t()
    unsafe cl_block_signals(&mask)
    defer { unsafe cl_restore_signals(&mask) }
    // SAFETY: the retained start box is released by the new thread, or here when there is none.
    let code = unsafe pthread_create(&handle, nil, runThread, start.toOpaque())
    guard code == 0 else {
      unsafe start.release()
      throw SystemError("pthread_create", code: code)
    }
    self.handle = handle
  }

  /// Lets the thread run without a later `join`.
  public consuming func detach() { _ = pthread_detach(handle) }

  /// Waits until the thread has ended.
  public consuming func join() { _ = pthread_join(handle, nil) }
}

private final class Start {
  let name: String
  let body: @Sendable () -> Void

  init(name: String, body: @escaping @Sendable () -> Void) {
    self.name = name
    self.body = body
  }
}

private func runThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let argument = unsafe argument else { return nil }
  // SAFETY: `Thread.init` passed a retained Start and gave up its reference.
  let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
  _ = unsafe start.name.withCString { unsafe cl_set_thread_name($0) }
  start.body()
  return nil
}
