import Glibc
import Testing

@testable import Linux

/// The output of this shell script on its control socket, and its exit status.
private func run(_ script: String, environment: [String] = [], blocked: [Int32] = []) throws -> (String, ProcessEnd) {
  let pair = try MessageSocket.Pair()
  var child = try ChildProcess(
    executable: "/bin/bash", arguments: ["bash", "-c", script], environment: environment,
    control: pair.theirs.descriptor,
    blocked: blocked)
  let ours = pair.takeOurs()
  let poller = try Poller()
  try poller.watchLevel(child.handle, token: 0)
  while true {
    _ = poller.wait(milliseconds: -1)
    guard let end = child.reap() else { continue }
    var said = ""
    while case .message(let message) = try ours.receive(limit: 4096) {
      said += String(decoding: message.bytes, as: UTF8.self)
    }
    return (said, end)
  }
}

@Suite struct `Child processes` {
  @Test(arguments: [
    ("exit 0", ProcessEnd.exited(status: 0)), ("exit 7", .exited(status: 7)),
    ("kill -KILL $$", .killed(signal: SIGKILL)),
    ("kill -SEGV $$", .killed(signal: SIGSEGV)),
  ])
  func `the exit status or signal of a child is reported`(script: String, end: ProcessEnd) throws {
    #expect(try run(script).1 == end)
  }

  @Test func `an exit status is described in words`() {
    #expect(ProcessEnd.exited(status: 1).description == "exit status 1")
    #expect(ProcessEnd.killed(signal: SIGSEGV).description == "killed by SIGSEGV (Segmentation fault)")
    #expect(ProcessEnd.killed(signal: 4711).description == "killed by signal 4711")
  }

  @Test func `a child has the standard descriptors and its control socket, and no other`() throws {
    let stray = fcntl(2, F_DUPFD, 20)  // without close-on-exec
    defer { close(stray) }
    // While the shell expands the pattern it opens the directory only.
    let said = try run("cd /proc/$$/fd; for n in *; do test -e $n && echo $n; done >&3").0
    #expect(said.split(separator: "\n").filter { (Int($0) ?? 0) < 10 } == ["0", "1", "2", "3"])
    #expect(!said.split(separator: "\n").contains("\(stray)"))
  }

  @Test func `a child has the given environment and no other`() throws {
    #expect(try run("echo $A$HOME >&3", environment: ["A=b"]).0 == "b\n")
  }

  @Test func `a child's blocked signals are those requested`() throws {
    let said = try run(
      "exec grep SigBlk /proc/self/status >&3", environment: ["PATH=/usr/bin:/bin"], blocked: [SIGTERM, SIGINT])
    #expect(said.0 == "SigBlk:\t0000000000004002\n")
  }

  @Test func `a child whose owner drops it is killed`() throws {
    let pair = try MessageSocket.Pair()
    var pid: pid_t = 0
    do {
      let child = try ChildProcess(
        executable: "/bin/sh", arguments: ["sh", "-c", "read line <&3"], environment: [],
        control: pair.theirs.descriptor,
        blocked: [])
      pid = child.identifier
    }
    #expect(kill(pid, 0) == -1)
  }

  @Test func `a missing program is an error with its name`() throws {
    let pair = try MessageSocket.Pair()
    let error = #expect(throws: SystemError.self) {
      _ = try ChildProcess(
        executable: "/nowhere", arguments: [], environment: [], control: pair.theirs.descriptor, blocked: []
      ).identifier
    }
    #expect(error?.description == "posix_spawn /nowhere: No such file or directory (ENOENT)")
  }
}

@Suite struct `Messages between processes` {
  @Test func `a message arrives complete, with its descriptor`() throws {
    let pair = try MessageSocket.Pair()
    let file = try MemoryFile.sealed("test", contents: Array("hello".utf8).span)
    #expect(try pair.ours.send([1, 2, 3].span))
    #expect(try pair.ours.send([4].span, with: file))
    guard case .message(let first) = try pair.theirs.receive(limit: 10) else { throw Unexpected() }
    #expect(first.bytes == [1, 2, 3])
    let nothingPassed = first.descriptor == nil
    #expect(nothingPassed)
    guard case .message(var second) = try pair.theirs.receive(limit: 10) else { throw Unexpected() }
    guard let passed = second.descriptor.take() else { throw Unexpected() }
    #expect(second.bytes == [4])
    #expect(fcntl(passed.number, F_GETFD) == FD_CLOEXEC)
    #expect(try MemoryFile.contents(of: passed) == Array("hello".utf8))
    guard case .nothing = try pair.theirs.receive(limit: 10) else { throw Unexpected() }
  }

  @Test func `a message that is too long is an error, never truncated`() throws {
    let pair = try MessageSocket.Pair()
    #expect(try pair.ours.send([1, 2, 3].span))
    #expect(throws: SystemError("recvmsg", code: EMSGSIZE)) { _ = try pair.theirs.receive(limit: 2) }
  }

  @Test func `a message beyond the receiver's queue is not sent, and the sender does not wait`() throws {
    let pair = try MessageSocket.Pair()
    let message = [UInt8](repeating: 0, count: 10_000)
    var sent = 0
    while try pair.ours.send(message.span) { sent += 1 }
    #expect(sent > 1)
    guard case .message = try pair.theirs.receive(limit: 10_000) else { throw Unexpected() }
  }

  @Test func `the end of the peer is noticed when receiving and when sending`() throws {
    let ours = try MessageSocket.Pair().takeOurs()
    guard case .ended = try ours.receive(limit: 10, waiting: true) else { throw Unexpected() }
    #expect(throws: SystemError("sendmsg", code: EPIPE)) { _ = try ours.send([1].span) }
  }
}

@Suite struct `Shared memory` {
  @Test(arguments: [0, 1, 70_000])
  func `a sealed file keeps its contents and can't be changed`(count: Int) throws {
    let contents = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
    let file = try MemoryFile.sealed("test", contents: contents.span)
    #expect(try MemoryFile.contents(of: file) == contents)
    #expect(ftruncate(file.number, 100_000) == -1)
    let written = unsafe pwrite(file.number, [1], 1, 0)
    #expect(written == -1)
  }

  @Test func `a file that is not sealed is refused`() throws {
    let file = try MemoryFile.shared("test", count: 10)
    #expect(throws: SystemError("fcntl F_GET_SEALS", code: EPERM)) { try MemoryFile.contents(of: file) }
  }

  @Test func `the heartbeats of one side are visible to the other`() throws {
    let page = try SharedHeartbeats(loops: 3)
    let beats = try SharedHeartbeats.attach(page.file, loops: 3)
    beats[1].beat()
    beats[2].beat()
    beats[2].beat()
    #expect((0..<3).map { page.turns(of: $0) } == [0, 1, 2])
  }

  @Test func `a page that is too small for the loops is refused`() throws {
    let page = try SharedHeartbeats(loops: 1)
    #expect(throws: SystemError("mmap heartbeats", code: EINVAL)) {
      try SharedHeartbeats.attach(page.file, loops: 2)
    }
  }
}

@Suite struct `The current process` {
  @Test func `variables can be removed from the environment`() {
    let path = CurrentProcess.environmentValue("PATH")
    #expect(path != nil)
    #expect(CurrentProcess.environment().contains("PATH=\(path ?? "")"))
    #expect(!CurrentProcess.environment(removing: ["PATH"]).contains { $0.hasPrefix("PATH=") })
  }

  @Test func `the host has a name and a processor`() {
    #expect(!CurrentProcess.hostName().isEmpty)
    #expect(CurrentProcess.processors >= 1)
  }
}

private struct Unexpected: Error {}
