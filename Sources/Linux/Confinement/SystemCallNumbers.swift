/// The calls that a filter may name. The numbers are the kernel's (asm/unistd_64.h, asm-generic/unistd.h); a test
/// compares them with its headers. Newer calls are refused.
extension SystemCall {
  // Events and waiting

  public static let epollWait = SystemCall("epoll_wait", 232, nil)
  public static let epollPwait = SystemCall("epoll_pwait", 281, 22)
  public static let epollPwait2 = SystemCall("epoll_pwait2", 441, 441)
  public static let epollCtl = SystemCall("epoll_ctl", 233, 21)
  public static let epollCreate1 = SystemCall("epoll_create1", 291, 20)
  public static let eventfd2 = SystemCall("eventfd2", 290, 19)
  public static let futex = SystemCall("futex", 202, 98)
  public static let poll = SystemCall("poll", 7, nil)
  public static let ppoll = SystemCall("ppoll", 271, 73)
  public static let clockGettime = SystemCall("clock_gettime", 228, 113)
  public static let clockNanosleep = SystemCall("clock_nanosleep", 230, 115)
  public static let nanosleep = SystemCall("nanosleep", 35, 101)
  public static let schedYield = SystemCall("sched_yield", 24, 124)
  public static let restartSyscall = SystemCall("restart_syscall", 219, 128)

  // Reading and writing

  public static let read = SystemCall("read", 0, 63)
  public static let write = SystemCall("write", 1, 64)
  public static let readv = SystemCall("readv", 19, 65)
  public static let writev = SystemCall("writev", 20, 66)
  public static let pread64 = SystemCall("pread64", 17, 67)
  public static let pwrite64 = SystemCall("pwrite64", 18, 68)
  public static let lseek = SystemCall("lseek", 8, 62)
  public static let close = SystemCall("close", 3, 57)
  public static let fcntl = SystemCall("fcntl", 72, 25)
  public static let ioctl = SystemCall("ioctl", 16, 29)
  public static let ftruncate = SystemCall("ftruncate", 77, 46)
  public static let fsync = SystemCall("fsync", 74, 82)
  public static let fdatasync = SystemCall("fdatasync", 75, 83)

  // Sockets

  public static let socket = SystemCall("socket", 41, 198)
  public static let socketpair = SystemCall("socketpair", 53, 199)
  public static let connect = SystemCall("connect", 42, 203)
  public static let bind = SystemCall("bind", 49, 200)
  public static let listen = SystemCall("listen", 50, 201)
  public static let accept4 = SystemCall("accept4", 288, 242)
  public static let recvfrom = SystemCall("recvfrom", 45, 207)
  public static let recvmsg = SystemCall("recvmsg", 47, 212)
  public static let recvmmsg = SystemCall("recvmmsg", 299, 243)
  public static let sendto = SystemCall("sendto", 44, 206)
  public static let sendmsg = SystemCall("sendmsg", 46, 211)
  public static let sendmmsg = SystemCall("sendmmsg", 307, 269)
  public static let shutdown = SystemCall("shutdown", 48, 210)
  public static let getsockopt = SystemCall("getsockopt", 55, 209)
  public static let setsockopt = SystemCall("setsockopt", 54, 208)
  public static let getsockname = SystemCall("getsockname", 51, 204)
  public static let getpeername = SystemCall("getpeername", 52, 205)

  // Files by name

  public static let openat = SystemCall("openat", 257, 56)
  public static let newfstatat = SystemCall("newfstatat", 262, 79)
  public static let fstat = SystemCall("fstat", 5, 80)
  public static let statx = SystemCall("statx", 332, 291)
  public static let readlink = SystemCall("readlink", 89, nil)
  public static let readlinkat = SystemCall("readlinkat", 267, 78)
  public static let access = SystemCall("access", 21, nil)
  public static let faccessat = SystemCall("faccessat", 269, 48)
  public static let faccessat2 = SystemCall("faccessat2", 439, 439)
  public static let rename = SystemCall("rename", 82, nil)
  public static let renameat = SystemCall("renameat", 264, 38)
  public static let unlink = SystemCall("unlink", 87, nil)
  public static let unlinkat = SystemCall("unlinkat", 263, 35)
  public static let getcwd = SystemCall("getcwd", 79, 17)
  public static let getdents64 = SystemCall("getdents64", 217, 61)
  public static let memfdCreate = SystemCall("memfd_create", 319, 279)

  // Memory

  public static let brk = SystemCall("brk", 12, 214)
  public static let mmap = SystemCall("mmap", 9, 222)
  public static let munmap = SystemCall("munmap", 11, 215)
  public static let mremap = SystemCall("mremap", 25, 216)
  public static let mprotect = SystemCall("mprotect", 10, 226)
  public static let madvise = SystemCall("madvise", 28, 233)
  public static let mincore = SystemCall("mincore", 27, 232)

  // Threads and the process itself

  public static let clone = SystemCall("clone", 56, 220)
  public static let clone3 = SystemCall("clone3", 435, 435)
  public static let setRobustList = SystemCall("set_robust_list", 273, 99)
  public static let rseq = SystemCall("rseq", 334, 293)
  public static let gettid = SystemCall("gettid", 186, 178)
  public static let getpid = SystemCall("getpid", 39, 172)
  public static let getppid = SystemCall("getppid", 110, 173)
  public static let getuid = SystemCall("getuid", 102, 174)
  public static let geteuid = SystemCall("geteuid", 107, 175)
  public static let getgid = SystemCall("getgid", 104, 176)
  public static let getegid = SystemCall("getegid", 108, 177)
  public static let schedGetaffinity = SystemCall("sched_getaffinity", 204, 123)
  public static let prctl = SystemCall("prctl", 157, 167)
  public static let prlimit64 = SystemCall("prlimit64", 302, 261)
  public static let getrusage = SystemCall("getrusage", 98, 165)
  public static let rtSigprocmask = SystemCall("rt_sigprocmask", 14, 135)
  public static let rtSigaction = SystemCall("rt_sigaction", 13, 134)
  public static let rtSigreturn = SystemCall("rt_sigreturn", 15, 139)
  public static let sigaltstack = SystemCall("sigaltstack", 131, 132)
  public static let kill = SystemCall("kill", 62, 129)
  public static let tgkill = SystemCall("tgkill", 234, 131)
  public static let exit = SystemCall("exit", 60, 93)
  public static let exitGroup = SystemCall("exit_group", 231, 94)
  public static let getrandom = SystemCall("getrandom", 318, 278)
  public static let uname = SystemCall("uname", 63, 160)
  public static let gettimeofday = SystemCall("gettimeofday", 96, 169)
  public static let sysinfo = SystemCall("sysinfo", 99, 179)

  // Other processes and programs

  public static let execve = SystemCall("execve", 59, 221)
  public static let execveat = SystemCall("execveat", 322, 281)
  public static let fork = SystemCall("fork", 57, nil)
  public static let vfork = SystemCall("vfork", 58, nil)
  public static let ptrace = SystemCall("ptrace", 101, 117)
  public static let processVmReadv = SystemCall("process_vm_readv", 310, 270)
  public static let processVmWritev = SystemCall("process_vm_writev", 311, 271)
  public static let processMadvise = SystemCall("process_madvise", 440, 440)
  public static let pidfdOpen = SystemCall("pidfd_open", 434, 434)
  public static let pidfdGetfd = SystemCall("pidfd_getfd", 438, 438)
  public static let pidfdSendSignal = SystemCall("pidfd_send_signal", 424, 424)
  public static let kcmp = SystemCall("kcmp", 312, 272)

  // The machine

  public static let mount = SystemCall("mount", 165, 40)
  public static let umount2 = SystemCall("umount2", 166, 39)
  public static let moveMount = SystemCall("move_mount", 429, 429)
  public static let openTree = SystemCall("open_tree", 428, 428)
  public static let fsopen = SystemCall("fsopen", 430, 430)
  public static let fsmount = SystemCall("fsmount", 432, 432)
  public static let fspick = SystemCall("fspick", 433, 433)
  public static let fsconfig = SystemCall("fsconfig", 431, 431)
  public static let mountSetattr = SystemCall("mount_setattr", 442, 442)
  public static let pivotRoot = SystemCall("pivot_root", 155, 41)
  public static let chroot = SystemCall("chroot", 161, 51)
  public static let unshare = SystemCall("unshare", 272, 97)
  public static let setns = SystemCall("setns", 308, 268)
  public static let bpf = SystemCall("bpf", 321, 280)
  public static let perfEventOpen = SystemCall("perf_event_open", 298, 241)
  public static let userfaultfd = SystemCall("userfaultfd", 323, 282)
  public static let ioUringSetup = SystemCall("io_uring_setup", 425, 425)
  public static let ioUringEnter = SystemCall("io_uring_enter", 426, 426)
  public static let ioUringRegister = SystemCall("io_uring_register", 427, 427)
  public static let initModule = SystemCall("init_module", 175, 105)
  public static let finitModule = SystemCall("finit_module", 313, 273)
  public static let deleteModule = SystemCall("delete_module", 176, 106)
  public static let kexecLoad = SystemCall("kexec_load", 246, 104)
  public static let kexecFileLoad = SystemCall("kexec_file_load", 320, 294)
  public static let reboot = SystemCall("reboot", 169, 142)
  public static let swapon = SystemCall("swapon", 167, 224)
  public static let swapoff = SystemCall("swapoff", 168, 225)
  public static let acct = SystemCall("acct", 163, 89)
  public static let quotactl = SystemCall("quotactl", 179, 60)
  public static let syslog = SystemCall("syslog", 103, 116)
  public static let settimeofday = SystemCall("settimeofday", 164, 170)
  public static let clockSettime = SystemCall("clock_settime", 227, 112)
  public static let clockAdjtime = SystemCall("clock_adjtime", 305, 266)
  public static let adjtimex = SystemCall("adjtimex", 159, 171)
  public static let sethostname = SystemCall("sethostname", 170, 161)
  public static let setdomainname = SystemCall("setdomainname", 171, 162)
  public static let iopl = SystemCall("iopl", 172, nil)
  public static let ioperm = SystemCall("ioperm", 173, nil)
  public static let modifyLdt = SystemCall("modify_ldt", 154, nil)
  public static let personality = SystemCall("personality", 135, 92)

  // Rights

  public static let capset = SystemCall("capset", 126, 91)
  public static let setuid = SystemCall("setuid", 105, 146)
  public static let setgid = SystemCall("setgid", 106, 144)
  public static let setreuid = SystemCall("setreuid", 113, 145)
  public static let setregid = SystemCall("setregid", 114, 143)
  public static let setresuid = SystemCall("setresuid", 117, 147)
  public static let setresgid = SystemCall("setresgid", 119, 149)
  public static let setfsuid = SystemCall("setfsuid", 122, 151)
  public static let setfsgid = SystemCall("setfsgid", 123, 152)
  public static let setgroups = SystemCall("setgroups", 116, 159)
  public static let chmod = SystemCall("chmod", 90, nil)
  public static let fchmod = SystemCall("fchmod", 91, 52)
  public static let fchmodat = SystemCall("fchmodat", 268, 53)
  public static let chown = SystemCall("chown", 92, nil)
  public static let fchown = SystemCall("fchown", 93, 55)
  public static let lchown = SystemCall("lchown", 94, nil)
  public static let fchownat = SystemCall("fchownat", 260, 54)
  public static let mknod = SystemCall("mknod", 133, nil)
  public static let mknodat = SystemCall("mknodat", 259, 33)
  public static let openByHandleAt = SystemCall("open_by_handle_at", 304, 265)
  public static let nameToHandleAt = SystemCall("name_to_handle_at", 303, 264)
  public static let addKey = SystemCall("add_key", 248, 217)
  public static let requestKey = SystemCall("request_key", 249, 218)
  public static let keyctl = SystemCall("keyctl", 250, 219)
  public static let seccomp = SystemCall("seccomp", 317, 277)

  /// All of the above.
  public static let all: [SystemCall] = [
    .epollWait, .epollPwait, .epollPwait2, .epollCtl, .epollCreate1, .eventfd2, .futex, .poll, .ppoll, .clockGettime,
    .gettimeofday,
    .clockNanosleep, .nanosleep, .schedYield, .restartSyscall, .read, .write, .readv, .writev, .pread64, .pwrite64,
    .lseek, .close, .fcntl, .ioctl, .ftruncate, .fsync, .fdatasync, .socket, .socketpair, .connect, .bind, .listen,
    .accept4, .recvfrom, .recvmsg, .recvmmsg, .sendto, .sendmsg, .sendmmsg, .shutdown, .getsockopt, .setsockopt,
    .getsockname, .getpeername, .openat, .newfstatat, .fstat, .statx, .readlink, .readlinkat, .access, .faccessat,
    .faccessat2, .rename, .renameat, .unlink, .unlinkat, .getcwd, .getdents64, .memfdCreate, .brk, .mmap, .munmap,
    .mremap, .mprotect, .madvise, .mincore, .clone, .clone3, .setRobustList, .rseq, .gettid, .getpid, .getppid,
    .getuid, .geteuid, .getgid, .getegid, .schedGetaffinity, .prctl, .prlimit64, .getrusage, .rtSigprocmask,
    .rtSigaction, .rtSigreturn, .sigaltstack, .kill, .tgkill, .exit, .exitGroup, .getrandom, .uname, .sysinfo,
    .execve, .execveat, .fork, .vfork, .ptrace, .processVmReadv, .processVmWritev, .processMadvise, .pidfdOpen,
    .pidfdGetfd, .pidfdSendSignal, .kcmp, .mount, .umount2, .moveMount, .openTree, .fsopen, .fsmount, .fspick,
    .fsconfig, .mountSetattr, .pivotRoot, .chroot, .unshare, .setns, .bpf, .perfEventOpen, .userfaultfd,
    .ioUringSetup, .ioUringEnter, .ioUringRegister, .initModule, .finitModule, .deleteModule, .kexecLoad,
    .kexecFileLoad, .reboot, .swapon, .swapoff, .acct, .quotactl, .syslog, .settimeofday, .clockSettime,
    .clockAdjtime, .adjtimex, .sethostname, .setdomainname, .iopl, .ioperm, .modifyLdt, .personality, .capset,
    .setuid, .setgid, .setreuid, .setregid, .setresuid, .setresgid, .setfsuid, .setfsgid, .setgroups, .chmod, .fchmod,
    .fchmodat, .chown, .fchown, .lchown, .fchownat, .mknod, .mknodat, .openByHandleAt, .nameToHandleAt, .addKey,
    .requestKey, .keyctl, .seccomp,
  ]
}
