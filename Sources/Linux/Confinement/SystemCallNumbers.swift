/// Every call that a filter may name; the numbers are the kernel's (asm/unistd_64.h, asm-generic/unistd.h), and a test
/// compares them with its headers. A call of a kernel newer than the last of them is refused like any other.
extension SystemCall {
  // Events and waiting

  package static let epollWait = SystemCall("epoll_wait", 232, nil)
  package static let epollPwait = SystemCall("epoll_pwait", 281, 22)
  package static let epollPwait2 = SystemCall("epoll_pwait2", 441, 441)
  package static let epollCtl = SystemCall("epoll_ctl", 233, 21)
  package static let epollCreate1 = SystemCall("epoll_create1", 291, 20)
  package static let eventfd2 = SystemCall("eventfd2", 290, 19)
  package static let futex = SystemCall("futex", 202, 98)
  package static let poll = SystemCall("poll", 7, nil)
  package static let ppoll = SystemCall("ppoll", 271, 73)
  package static let clockGettime = SystemCall("clock_gettime", 228, 113)
  package static let clockNanosleep = SystemCall("clock_nanosleep", 230, 115)
  package static let nanosleep = SystemCall("nanosleep", 35, 101)
  package static let schedYield = SystemCall("sched_yield", 24, 124)
  package static let restartSyscall = SystemCall("restart_syscall", 219, 128)

  // Reading and writing

  package static let read = SystemCall("read", 0, 63)
  package static let write = SystemCall("write", 1, 64)
  package static let readv = SystemCall("readv", 19, 65)
  package static let writev = SystemCall("writev", 20, 66)
  package static let pread64 = SystemCall("pread64", 17, 67)
  package static let pwrite64 = SystemCall("pwrite64", 18, 68)
  package static let lseek = SystemCall("lseek", 8, 62)
  package static let close = SystemCall("close", 3, 57)
  package static let fcntl = SystemCall("fcntl", 72, 25)
  package static let ioctl = SystemCall("ioctl", 16, 29)
  package static let ftruncate = SystemCall("ftruncate", 77, 46)
  package static let fsync = SystemCall("fsync", 74, 82)
  package static let fdatasync = SystemCall("fdatasync", 75, 83)

  // Sockets

  package static let socket = SystemCall("socket", 41, 198)
  package static let socketpair = SystemCall("socketpair", 53, 199)
  package static let connect = SystemCall("connect", 42, 203)
  package static let bind = SystemCall("bind", 49, 200)
  package static let listen = SystemCall("listen", 50, 201)
  package static let accept4 = SystemCall("accept4", 288, 242)
  package static let recvfrom = SystemCall("recvfrom", 45, 207)
  package static let recvmsg = SystemCall("recvmsg", 47, 212)
  package static let recvmmsg = SystemCall("recvmmsg", 299, 243)
  package static let sendto = SystemCall("sendto", 44, 206)
  package static let sendmsg = SystemCall("sendmsg", 46, 211)
  package static let sendmmsg = SystemCall("sendmmsg", 307, 269)
  package static let shutdown = SystemCall("shutdown", 48, 210)
  package static let getsockopt = SystemCall("getsockopt", 55, 209)
  package static let setsockopt = SystemCall("setsockopt", 54, 208)
  package static let getsockname = SystemCall("getsockname", 51, 204)
  package static let getpeername = SystemCall("getpeername", 52, 205)

  // Files by name

  package static let openat = SystemCall("openat", 257, 56)
  package static let newfstatat = SystemCall("newfstatat", 262, 79)
  package static let fstat = SystemCall("fstat", 5, 80)
  package static let statx = SystemCall("statx", 332, 291)
  package static let readlink = SystemCall("readlink", 89, nil)
  package static let readlinkat = SystemCall("readlinkat", 267, 78)
  package static let access = SystemCall("access", 21, nil)
  package static let faccessat = SystemCall("faccessat", 269, 48)
  package static let faccessat2 = SystemCall("faccessat2", 439, 439)
  package static let rename = SystemCall("rename", 82, nil)
  package static let renameat = SystemCall("renameat", 264, 38)
  package static let unlink = SystemCall("unlink", 87, nil)
  package static let unlinkat = SystemCall("unlinkat", 263, 35)
  package static let getcwd = SystemCall("getcwd", 79, 17)
  package static let getdents64 = SystemCall("getdents64", 217, 61)
  package static let memfdCreate = SystemCall("memfd_create", 319, 279)

  // Memory

  package static let brk = SystemCall("brk", 12, 214)
  package static let mmap = SystemCall("mmap", 9, 222)
  package static let munmap = SystemCall("munmap", 11, 215)
  package static let mremap = SystemCall("mremap", 25, 216)
  package static let mprotect = SystemCall("mprotect", 10, 226)
  package static let madvise = SystemCall("madvise", 28, 233)
  package static let mincore = SystemCall("mincore", 27, 232)

  // Threads and the process itself

  package static let clone = SystemCall("clone", 56, 220)
  package static let clone3 = SystemCall("clone3", 435, 435)
  package static let setRobustList = SystemCall("set_robust_list", 273, 99)
  package static let rseq = SystemCall("rseq", 334, 293)
  package static let gettid = SystemCall("gettid", 186, 178)
  package static let getpid = SystemCall("getpid", 39, 172)
  package static let getppid = SystemCall("getppid", 110, 173)
  package static let getuid = SystemCall("getuid", 102, 174)
  package static let geteuid = SystemCall("geteuid", 107, 175)
  package static let getgid = SystemCall("getgid", 104, 176)
  package static let getegid = SystemCall("getegid", 108, 177)
  package static let schedGetaffinity = SystemCall("sched_getaffinity", 204, 123)
  package static let prctl = SystemCall("prctl", 157, 167)
  package static let prlimit64 = SystemCall("prlimit64", 302, 261)
  package static let getrusage = SystemCall("getrusage", 98, 165)
  package static let rtSigprocmask = SystemCall("rt_sigprocmask", 14, 135)
  package static let rtSigaction = SystemCall("rt_sigaction", 13, 134)
  package static let rtSigreturn = SystemCall("rt_sigreturn", 15, 139)
  package static let sigaltstack = SystemCall("sigaltstack", 131, 132)
  package static let kill = SystemCall("kill", 62, 129)
  package static let tgkill = SystemCall("tgkill", 234, 131)
  package static let exit = SystemCall("exit", 60, 93)
  package static let exitGroup = SystemCall("exit_group", 231, 94)
  package static let getrandom = SystemCall("getrandom", 318, 278)
  package static let uname = SystemCall("uname", 63, 160)
  package static let sysinfo = SystemCall("sysinfo", 99, 179)

  // Other processes and programs

  package static let execve = SystemCall("execve", 59, 221)
  package static let execveat = SystemCall("execveat", 322, 281)
  package static let fork = SystemCall("fork", 57, nil)
  package static let vfork = SystemCall("vfork", 58, nil)
  package static let ptrace = SystemCall("ptrace", 101, 117)
  package static let processVmReadv = SystemCall("process_vm_readv", 310, 270)
  package static let processVmWritev = SystemCall("process_vm_writev", 311, 271)
  package static let processMadvise = SystemCall("process_madvise", 440, 440)
  package static let pidfdOpen = SystemCall("pidfd_open", 434, 434)
  package static let pidfdGetfd = SystemCall("pidfd_getfd", 438, 438)
  package static let pidfdSendSignal = SystemCall("pidfd_send_signal", 424, 424)
  package static let kcmp = SystemCall("kcmp", 312, 272)

  // The machine

  package static let mount = SystemCall("mount", 165, 40)
  package static let umount2 = SystemCall("umount2", 166, 39)
  package static let moveMount = SystemCall("move_mount", 429, 429)
  package static let openTree = SystemCall("open_tree", 428, 428)
  package static let fsopen = SystemCall("fsopen", 430, 430)
  package static let fsmount = SystemCall("fsmount", 432, 432)
  package static let fspick = SystemCall("fspick", 433, 433)
  package static let fsconfig = SystemCall("fsconfig", 431, 431)
  package static let mountSetattr = SystemCall("mount_setattr", 442, 442)
  package static let pivotRoot = SystemCall("pivot_root", 155, 41)
  package static let chroot = SystemCall("chroot", 161, 51)
  package static let unshare = SystemCall("unshare", 272, 97)
  package static let setns = SystemCall("setns", 308, 268)
  package static let bpf = SystemCall("bpf", 321, 280)
  package static let perfEventOpen = SystemCall("perf_event_open", 298, 241)
  package static let userfaultfd = SystemCall("userfaultfd", 323, 282)
  package static let ioUringSetup = SystemCall("io_uring_setup", 425, 425)
  package static let ioUringEnter = SystemCall("io_uring_enter", 426, 426)
  package static let ioUringRegister = SystemCall("io_uring_register", 427, 427)
  package static let initModule = SystemCall("init_module", 175, 105)
  package static let finitModule = SystemCall("finit_module", 313, 273)
  package static let deleteModule = SystemCall("delete_module", 176, 106)
  package static let kexecLoad = SystemCall("kexec_load", 246, 104)
  package static let kexecFileLoad = SystemCall("kexec_file_load", 320, 294)
  package static let reboot = SystemCall("reboot", 169, 142)
  package static let swapon = SystemCall("swapon", 167, 224)
  package static let swapoff = SystemCall("swapoff", 168, 225)
  package static let acct = SystemCall("acct", 163, 89)
  package static let quotactl = SystemCall("quotactl", 179, 60)
  package static let syslog = SystemCall("syslog", 103, 116)
  package static let settimeofday = SystemCall("settimeofday", 164, 170)
  package static let clockSettime = SystemCall("clock_settime", 227, 112)
  package static let clockAdjtime = SystemCall("clock_adjtime", 305, 266)
  package static let adjtimex = SystemCall("adjtimex", 159, 171)
  package static let sethostname = SystemCall("sethostname", 170, 161)
  package static let setdomainname = SystemCall("setdomainname", 171, 162)
  package static let iopl = SystemCall("iopl", 172, nil)
  package static let ioperm = SystemCall("ioperm", 173, nil)
  package static let modifyLdt = SystemCall("modify_ldt", 154, nil)
  package static let personality = SystemCall("personality", 135, 92)

  // Rights

  package static let capset = SystemCall("capset", 126, 91)
  package static let setuid = SystemCall("setuid", 105, 146)
  package static let setgid = SystemCall("setgid", 106, 144)
  package static let setreuid = SystemCall("setreuid", 113, 145)
  package static let setregid = SystemCall("setregid", 114, 143)
  package static let setresuid = SystemCall("setresuid", 117, 147)
  package static let setresgid = SystemCall("setresgid", 119, 149)
  package static let setfsuid = SystemCall("setfsuid", 122, 151)
  package static let setfsgid = SystemCall("setfsgid", 123, 152)
  package static let setgroups = SystemCall("setgroups", 116, 159)
  package static let chmod = SystemCall("chmod", 90, nil)
  package static let fchmod = SystemCall("fchmod", 91, 52)
  package static let fchmodat = SystemCall("fchmodat", 268, 53)
  package static let chown = SystemCall("chown", 92, nil)
  package static let fchown = SystemCall("fchown", 93, 55)
  package static let lchown = SystemCall("lchown", 94, nil)
  package static let fchownat = SystemCall("fchownat", 260, 54)
  package static let mknod = SystemCall("mknod", 133, nil)
  package static let mknodat = SystemCall("mknodat", 259, 33)
  package static let openByHandleAt = SystemCall("open_by_handle_at", 304, 265)
  package static let nameToHandleAt = SystemCall("name_to_handle_at", 303, 264)
  package static let addKey = SystemCall("add_key", 248, 217)
  package static let requestKey = SystemCall("request_key", 249, 218)
  package static let keyctl = SystemCall("keyctl", 250, 219)
  package static let seccomp = SystemCall("seccomp", 317, 277)

  /// All of the above.
  package static let all: [SystemCall] = [
    .epollWait, .epollPwait, .epollPwait2, .epollCtl, .epollCreate1, .eventfd2, .futex, .poll, .ppoll, .clockGettime,
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
