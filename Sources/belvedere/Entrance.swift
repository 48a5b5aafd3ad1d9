import ArgumentParser
import Glibc
import Linux
import Worker

/// The entry point of the process. The worker's role is checked first, so that a worker does not load what only a
/// command line needs.
@main
enum Entrance {
  static func main() {
    // Not exit(3): it would destroy what running threads still use (the access log's writer, a request to an OCSP
    // responder, a loop's last steps). There is nothing to flush.
    if CommandLine.arguments.dropFirst().first == "worker" { _exit(enterWorker()) }
    BelvedereCommand.main()
  }
}

/// A separate function, outside the main actor that `@main` implies: the worker starts threads.
private nonisolated func enterWorker() -> Int32 {
  // If the parent died before this line, the worker sees the end of the control socket.
  CurrentProcess.dieWithParent()
  CurrentProcess.nameThread("belvedere")
  Signals.ignoreBrokenPipes()
  guard let control = ChildProcess.controlSocket() else {
    return complain("belvedere worker: this role is started by `belvedere run`, not by hand")
  }
  return WorkerRole.run(control: control, release: Versions.belvedere)
}

/// Prints the line on standard error, and returns the status of a usage error (sysexits(3): EX_USAGE).
private nonisolated func complain(_ line: String) -> Int32 {
  StandardStream.error.write(line + "\n")
  return 64
}
