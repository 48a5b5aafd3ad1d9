import ArgumentParser
import Glibc
import Linux
import Worker

/// Where the process begins. The worker's role is looked for before anything else: it shall not carry what only a
/// command line needs.
@main
enum Entrance {
  static func main() {
    // Not by way of exit(3): it would take down what threads that still run go on using (the access log's writer, an
    // inquiry at an OCSP responder, a loop's last steps). Nothing waits to be flushed.
    if CommandLine.arguments.dropFirst().first == "worker" { _exit(enterWorker()) }
    BelvedereCommand.main()
  }
}

/// A function of its own, outside the main actor that `@main` implies: the worker starts threads.
private nonisolated func enterWorker() -> Int32 {
  // A parent that died before this line is noticed by the end of the control socket.
  CurrentProcess.dieWithParent()
  CurrentProcess.nameThread("belvedere")
  Signals.ignoreBrokenPipes()
  guard let control = ChildProcess.controlSocket() else {
    return complain("belvedere worker: this role is started by `belvedere run`, not by hand")
  }
  return WorkerRole.run(control: control)
}

/// Says it on standard error, and returns the status of a wrong call (sysexits(3): EX_USAGE).
private nonisolated func complain(_ line: String) -> Int32 {
  StandardStream.error.write(line + "\n")
  return 64
}
