import Linux

/// The allowed system calls of the observer after its start. It opens no file and no socket, and starts no program.
enum ObserverCalls {
  private typealias Rule = SystemCallFilter.Rule

  private static let notPermitted: Int32 = 1
  private static let notImplemented: Int32 = 38

  /// glibc tries `clone3` first, whose flags a filter can't read, and falls back to `clone`.
  static let expectedToFail = SystemCallFilter([.refuse(.clone3, notImplemented)], otherwise: .allowed)

  /// The filter for this process.
  static func filter(for process: Int32) -> SystemCallFilter {
    SystemCallFilter(
      always + checked(UInt32(bitPattern: process)) + [.allow(.clone3)], otherwise: .refused(notPermitted))
  }

  private static let always: [Rule] = [
    // Events, connections and bytes.
    SystemCall.epollWait, .epollPwait, .epollPwait2, .epollCtl, .accept4, .recvfrom, .sendto, .read, .write, .writev,
    .close, .getsockopt, .getsockname, .getpeername,
    // The journal, over sockets that exist.
    .connect, .sendmsg,
    // Time, where the vDSO can't tell it (OpenSSL 3.2 asks gettimeofday); locks and waiting threads.
    .clockGettime, .gettimeofday, .clockNanosleep, .nanosleep, .futex, .poll, .ppoll, .schedYield, .restartSyscall,
    // Memory.
    .brk, .munmap, .mremap, .madvise, .getrandom,
    // Standard error.
    .fstat, .newfstatat, .lseek,
    // The log's thread, and this process itself.
    .setRobustList, .rseq, .gettid, .getpid, .schedGetaffinity, .eventfd2, .rtSigprocmask, .rtSigaction, .rtSigreturn,
    .sigaltstack, .sysinfo, .uname, .getuid, .geteuid, .getgid, .getegid, .exit, .exitGroup,
  ].map { .allow($0) }

  private static func checked(_ process: UInt32) -> [Rule] {
    [
      // Never executable (PROT_EXEC).
      .allow(.mmap, when: [.lacks(2, 4)]), .allow(.mprotect, when: [.lacks(2, 4)]),
      // SHUT_WR.
      .allow(.shutdown, when: [.value(1, in: [1])]),
      // TCP_NODELAY; SO_LINGER.
      .allow(.setsockopt, when: [.value(1, in: [6]), .value(2, in: [1])], [.value(1, in: [1]), .value(2, in: [13])]),
      // F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC.
      .allow(.fcntl, when: [.value(1, in: [1, 2, 3, 1030])]),
      // TCGETS: whether standard error is a terminal.
      .allow(.ioctl, when: [.value(1, in: [0x5401])]),
      // Exactly the flags of pthread_create(3).
      .allow(.clone, when: [.value(0, in: [0x3d_0f00])]),
      // PR_SET_NAME.
      .allow(.prctl, when: [.value(0, in: [15])]),
      .allow(.prlimit64, when: [.value(0, in: [0, process]), .null(2)]),
      // abort(3).
      .allow(.tgkill, when: [.value(0, in: [process])]), .allow(.kill, when: [.value(0, in: [process])]),
    ]
  }
}
