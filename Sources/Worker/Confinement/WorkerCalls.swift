import Linux

/// The allowed system calls of a worker: all that it and its libraries make after confinement, each with its purpose.
/// Compiled from traces of the whole end-to-end suite. docs/security.md has the same list for operators, and a test
/// compares the two.
package enum WorkerCalls {
  private typealias Rule = SystemCallFilter.Rule

  /// Calls that a library tries first and can do without. A separate filter, whose refusals are not logged.
  package static let expectedToFail = SystemCallFilter(
    [
      // Its flags are in memory, where a filter can not read them; glibc falls back to `clone`.
      .refuse(.clone3, Code.notImplemented),
      // A worker must not reach the control socket, D-Bus or any other local service. The resolver tries nscd first.
      // Sockets for the log were created before (`DatagramSender.reserveSockets`).
      .refuse(.socket, Code.noSuchFamily, when: [.value(0, in: [Family.local])]),
    ], otherwise: .allowed)

  /// The filter for this worker process. `isPaired`: it has connections with the other nodes of a pair.
  package static func filter(for process: Int32, isPaired: Bool) -> SystemCallFilter {
    SystemCallFilter(
      served + edges(of: UInt32(bitPattern: process)) + (isPaired ? [source] : []) + intrusions,
      otherwise: .refused(Code.notPermitted))
  }

  /// The source address of connections to the pair's other nodes; `listen` is not allowed.
  private static let source = Rule.allow(.bind, when: [.value(2, in: [AddressSize.inet, AddressSize.inet6])])

  /// The hot path: arguments are not checked, so kernels from 5.11 on run no filter program for these calls.
  private static let served: [Rule] = [
    // A loop's turn: events, received and sent bytes, and the time if the vDSO can not provide it.
    .allow(.epollWait), .allow(.epollPwait), .allow(.epollPwait2), .allow(.recvfrom), .allow(.sendto), .allow(.read),
    .allow(.write),
    .allow(.clockGettime),
    // Opening and closing connections.
    .allow(.accept4), .allow(.connect), .allow(.close), .allow(.epollCtl), .allow(.getsockopt),
    // Locks and waiting threads.
    .allow(.futex), .allow(.poll), .allow(.ppoll), .allow(.clockNanosleep), .allow(.nanosleep), .allow(.schedYield),
    .allow(.restartSyscall),
    // The supervisor's commands with their descriptors, events for the supervisor, and journal entries.
    .allow(.recvmsg), .allow(.sendmsg),
    // Memory. `mmap` and `mprotect`, which could make memory executable, are below.
    .allow(.brk), .allow(.munmap), .allow(.mremap), .allow(.madvise),
    // Keys, nonces, hash seeds.
    .allow(.getrandom),
  ]

  /// Calls whose arguments are checked, and rare calls.
  private static func edges(of process: UInt32) -> [Rule] {
    [
      // Only our direction of a connection. Shutting down the other one on a listener would affect the supervisor too.
      .allow(.shutdown, when: [.value(1, in: [Direction.sending])]),
      // Never executable: a worker's only code is what the loader mapped at the start.
      .allow(.mmap, when: [.lacks(2, Memory.executable)]),
      .allow(.mprotect, when: [.lacks(2, Memory.executable)]),
      // TCP to servers; UDP and TCP to resolve OCSP responders. Local sockets are refused above without being logged.
      .allow(
        .socket,
        when: [
          .value(0, in: [Family.inet, Family.inet6]),
          .value(1, in: [Kind.stream, Kind.datagram], ignoring: Kind.flags),
          .value(2, in: [0, Transport.tcp, Transport.udp]),
        ],
        [.value(0, in: [Family.local]), .value(1, in: [Kind.stream, Kind.datagram], ignoring: Kind.flags)]),
      .allow(
        .setsockopt,
        when: [.value(1, in: [Transport.tcp]), .value(2, in: [Option.noDelay])],
        [
          .value(1, in: [Option.socketLevel]),
          .value(2, in: [Option.linger]),
        ],
        // Errors of the resolver's datagrams.
        [.value(1, in: [Option.ipLevel]), .value(2, in: [Option.ipErrors])],
        [.value(1, in: [Option.ip6Level]), .value(2, in: [Option.ip6Errors])]),
      .allow(.getsockname), .allow(.getpeername),
      // Not F_SETOWN and F_SETSIG, which make the kernel send signals; nor F_SETFL, because a listener and the standard
      // streams share their flags with the supervisor.
      .allow(.fcntl, when: [.value(1, in: Control.all)]),
      // The number of readable bytes; whether the descriptor is a terminal.
      .allow(.ioctl, when: [.value(1, in: [Device.readable, Device.terminal])]),

      // Files, as far as Landlock permits: certificates, error pages, the access log, `affinity.file`.
      .allow(.openat), .allow(.newfstatat), .allow(.fstat), .allow(.statx), .allow(.lseek), .allow(.pread64),
      .allow(.readlink), .allow(.readlinkat), .allow(.getcwd),
      .allow(.access), .allow(.faccessat), .allow(.faccessat2),
      .allow(.rename), .allow(.renameat), .allow(.unlink), .allow(.unlinkat), .allow(.fdatasync),
      .allow(.writev),
      // Datagrams of clients and servers; name resolution of OCSP responders: both queries to a resolver at once.
      .allow(.sendmmsg), .allow(.recvmmsg),

      // Threads of this process only: exactly the flags of pthread_create(3).
      .allow(.clone, when: [.value(0, in: [ThreadFlags.all])]), .allow(.clone3),
      .allow(.setRobustList), .allow(.rseq), .allow(.gettid), .allow(.getpid), .allow(.schedGetaffinity),
      .allow(.prctl, when: [.value(0, in: [Process.setName])]),
      .allow(.eventfd2), .allow(.epollCreate1),
      .allow(.rtSigprocmask), .allow(.rtSigaction), .allow(.rtSigreturn), .allow(.sigaltstack),
      // abort(3) after a trap. No other process can be signalled.
      .allow(.tgkill, when: [.value(0, in: [process])]), .allow(.kill, when: [.value(0, in: [process])]),
      // Limits can be read and not set.
      .allow(.prlimit64, when: [.value(0, in: [0, process]), .null(2)]), .allow(.sysinfo), .allow(.uname),
      .allow(.getuid), .allow(.geteuid), .allow(.getgid), .allow(.getegid),
      .allow(.exit), .allow(.exitGroup),
    ]
  }

  /// Calls that only an attacker makes. The process is killed at once, and the supervisor logs it.
  private static let intrusions: [Rule] = [
    SystemCall.execve, .execveat, .fork, .vfork, .ptrace, .processVmReadv, .processVmWritev, .processMadvise,
    .pidfdOpen,
    .pidfdGetfd, .pidfdSendSignal, .kcmp,
    .mount, .umount2, .moveMount, .openTree, .fsopen, .fsmount, .fspick, .fsconfig, .mountSetattr, .pivotRoot, .chroot,
    .unshare, .setns, .bpf, .perfEventOpen, .userfaultfd, .ioUringSetup, .ioUringEnter, .ioUringRegister, .initModule,
    .finitModule, .deleteModule, .kexecLoad, .kexecFileLoad, .reboot, .swapon, .swapoff, .acct, .quotactl, .syslog,
    .settimeofday, .clockSettime, .clockAdjtime, .adjtimex, .sethostname, .setdomainname, .iopl, .ioperm, .modifyLdt,
    .personality,
    .capset, .setuid, .setgid, .setreuid, .setregid, .setresuid, .setresgid, .setfsuid, .setfsgid, .setgroups,
    .openByHandleAt, .nameToHandleAt, .addKey, .requestKey, .keyctl, .seccomp,
  ].map(Rule.kill)
}

// Constants of the kernel's interface that are the same on both architectures.

private enum Code {
  static let notPermitted: Int32 = 1
  static let notImplemented: Int32 = 38
  static let noSuchFamily: Int32 = 97
}

private enum Memory {
  static let executable: UInt32 = 4
}

private enum Family {
  static let local: UInt32 = 1
  static let inet: UInt32 = 2
  static let inet6: UInt32 = 10
}

private enum AddressSize {
  static let inet: UInt32 = 16
  static let inet6: UInt32 = 28
}

private enum Kind {
  static let stream: UInt32 = 1
  static let datagram: UInt32 = 2
  /// SOCK_CLOEXEC and SOCK_NONBLOCK.
  static let flags: UInt32 = 0o2_004_000
}

private enum Direction {
  /// SHUT_WR.
  static let sending: UInt32 = 1
}

private enum Transport {
  static let tcp: UInt32 = 6
  static let udp: UInt32 = 17
}

private enum Option {
  static let noDelay: UInt32 = 1
  static let socketLevel: UInt32 = 1
  static let linger: UInt32 = 13
  static let ipLevel: UInt32 = 0
  static let ipErrors: UInt32 = 11
  static let ip6Level: UInt32 = 41
  static let ip6Errors: UInt32 = 25
}

private enum Control {
  /// F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC, F_GET_SEALS.
  static let all: [UInt32] = [1, 2, 3, 1030, 1034]
}

private enum Device {
  /// FIONREAD.
  static let readable: UInt32 = 0x541b
  /// TCGETS.
  static let terminal: UInt32 = 0x5401
}

private enum ThreadFlags {
  /// CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, PARENT_SETTID, CHILD_CLEARTID.
  static let all: UInt32 = 0x3d_0f00
}

private enum Process {
  /// PR_SET_NAME.
  static let setName: UInt32 = 15
}
