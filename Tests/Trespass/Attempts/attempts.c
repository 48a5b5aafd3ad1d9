// Attempts of an attacker who runs code in a worker. Each attempt is shown to succeed outside of the
// confinement, so that its failure inside means something. Two processes stand for the rest of the machine: this one,
// and the victim whose number is the argument.
#define _GNU_SOURCE
#include "include/attempts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int outcome(long result) { return result < 0 ? errno : 0; }

// Programs and processes

static int execute(const char *program) {
  char *const arguments[] = {(char *)program, NULL};
  char *const environment[] = {NULL};
  return outcome(execve(program, arguments, environment));
}

static int make_process(const char *unused) {
  pid_t child = fork();
  if (child == 0) _exit(0);
  if (child < 0) return errno;
  waitpid(child, NULL, 0);
  return 0;
}

static int trace(const char *victim) { return outcome(ptrace(PTRACE_SEIZE, atoi(victim), 0, 0)); }
static int signal_victim(const char *victim) { return outcome(kill(atoi(victim), 0)); }
static int signal_thread(const char *victim) {
  return outcome(syscall(SYS_tgkill, atoi(victim), atoi(victim), 0));
}
static int signal_all(const char *unused) { return outcome(kill(0, 0)); }
static int hold_process(const char *victim) { return outcome(syscall(SYS_pidfd_open, atoi(victim), 0)); }

// The argument is PROCESS:ADDRESS.
static int read_memory(const char *victim) {
  char *address;
  pid_t process = (pid_t)strtol(victim, &address, 10);
  char byte;
  struct iovec local = {&byte, 1}, remote = {(void *)strtoul(address + 1, NULL, 16), 1};
  return outcome(process_vm_readv(process, &local, 1, &remote, 1, 0));
}

static int have_signals_sent(const char *victim) {
  int ends[2];
  if (pipe(ends) != 0) ends[0] = STDIN_FILENO;
  return outcome(fcntl(ends[0], F_SETOWN, atoi(victim)));
}

// Files

static int read_file(const char *path) { return outcome(open(path, O_RDONLY)); }
static int write_file(const char *path) { return outcome(open(path, O_WRONLY | O_CREAT, 0600)); }
static int append_file(const char *path) {
  int file = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
  return file < 0 ? errno : outcome(write(file, "x\n", 2));
}
static int replace_file(const char *path) {
  char draft[4096];
  snprintf(draft, sizeof draft, "%s.new", path);
  int file = open(draft, O_WRONLY | O_CREAT | O_EXCL, 0600);
  return file < 0 ? errno : outcome(rename(draft, path));
}
static int list_folder(const char *path) { return outcome(open(path, O_RDONLY | O_DIRECTORY)); }
static int change_mode(const char *path) { return outcome(chmod(path, 0600)); }
static int change_owner(const char *path) { return outcome(chown(path, getuid(), getgid())); }
static int make_link(const char *path) {
  char link[4096];
  snprintf(link, sizeof link, "%s.link", path);
  return outcome(symlink("/etc/shadow", link));
}
static int mount_over(const char *folder) {
  if (mount("none", folder, "tmpfs", 0, NULL) != 0) return errno;
  return outcome(umount2(folder, MNT_DETACH));
}
static int change_root(const char *folder) { return outcome(chroot(folder)); }

// Sockets

static int raw_socket(const char *unused) { return outcome(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)); }
static int packet_socket(const char *unused) { return outcome(socket(AF_PACKET, SOCK_RAW, htons(3))); }
static int netlink_socket(const char *unused) { return outcome(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)); }
static int listen_port(const char *unused) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  return fd < 0 ? errno : outcome(bind(fd, (struct sockaddr *)&name, sizeof name) | listen(fd, 1));
}
static int bind_port(int port) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in name = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  return fd < 0 ? errno : outcome(bind(fd, (struct sockaddr *)&name, sizeof name));
}
static int choose_port(const char *port) { return bind_port(atoi(port)); }
static int choose_source(const char *unused) { return bind_port(0); }
static int bind_to_interface(const char *unused) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  return fd < 0 ? errno : outcome(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
}
static int list_interfaces(const char *unused) {
  struct ifreq names[64];
  struct ifconf list = {.ifc_len = sizeof names, .ifc_req = names};
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  return fd < 0 ? errno : outcome(ioctl(fd, SIOCGIFCONF, &list));
}
// A listener from before the confinement, as a worker gets its own from the supervisor, which has them as well.
static int inherited = -1;
__attribute__((constructor)) static void inherit_listener(void) {
  inherited = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(inherited, (struct sockaddr *)&name, sizeof name) != 0 || listen(inherited, 1) != 0) abort();
}
static int stop_listener(const char *unused) { return outcome(shutdown(inherited, SHUT_RD)); }
static int stop_listener_whole(const char *unused) { return outcome(shutdown(inherited, SHUT_RDWR)); }
static int make_listener_block(const char *unused) { return outcome(fcntl(inherited, F_SETFL, 0)); }
// To a missing receiver: the attempt counts, not the answer.
static int connect_out(const char *unused) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (fd < 0) return errno;
  int code = outcome(connect(fd, (struct sockaddr *)&name, sizeof name));
  return code == EINPROGRESS || code == ECONNREFUSED ? 0 : code;
}
static int join(const char *path, int type) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  strncpy(name.sun_path, path, sizeof name.sun_path - 1);
  int fd = socket(AF_UNIX, type, 0);
  return fd < 0 ? errno : outcome(connect(fd, (struct sockaddr *)&name, sizeof name));
}
// The control socket, D-Bus, a database: whatever listens on this machine.
static int connect_locally(const char *path) { return join(path, SOCK_STREAM); }
static int tell_locally(const char *path) { return join(path, SOCK_DGRAM); }
// Used outside the sandbox only: the receiver.
static int receive_locally(const char *path) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  strncpy(name.sun_path, path, sizeof name.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof name) != 0) return errno;
  return pause();
}
static int pair_of_sockets(const char *unused) {
  int ends[2];
  return outcome(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
}
static int resolve(const char *name) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
  return getaddrinfo(name, "80", &hints, &found) == 0 ? 0 : ENOENT;
}

// Memory and rights

static int map_code(const char *unused) {
  void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return page == MAP_FAILED ? errno : 0;
}
static int make_code(const char *unused) {
  void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return page == MAP_FAILED ? errno : outcome(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}
static int become_user(const char *unused) { return outcome(setuid(getuid())); }
static int change_capabilities(const char *unused) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[2] = {0};
  return outcome(syscall(SYS_capset, &header, none));
}
static int new_namespace(const char *unused) { return outcome(unshare(CLONE_NEWNS)); }
static int show_memory(const char *unused) { return outcome(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)); }
static int raise_limit(const char *unused) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return errno;
  return outcome(setrlimit(RLIMIT_NOFILE, &files));
}
// A map of one element that is never made: the kernel says no to this one for its type.
static int load_program(const char *unused) {
  union bpf_attr attributes = {.map_type = 0xffff};
  return outcome(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes));
}
static int use_ring(const char *unused) {
  struct io_uring_params parameters = {0};
  return outcome(syscall(SYS_io_uring_setup, 1, &parameters));
}
// The same kernel by the numbers of another architecture.
static int foreign_call(const char *unused) {
#ifdef __x86_64__
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
  return result > 0 ? 0 : (int)-result;
#else
  return 0;
#endif
}

static void *nothing(void *unused) { return unused; }
static int make_thread(const char *unused) {
  pthread_t thread;
  int code = pthread_create(&thread, NULL, nothing, NULL);
  return code ? code : pthread_join(thread, NULL);
}
static int crash(const char *unused) { abort(); }
static int wait_for_end(const char *unused) { return pause(); }

static const struct {
  const char *name;
  int (*try)(const char *);
} attempts[] = {
    {"execute", execute}, {"make-process", make_process}, {"trace", trace}, {"signal", signal_victim},
    {"signal-thread", signal_thread}, {"signal-all", signal_all}, {"hold-process", hold_process},
    {"read-memory", read_memory}, {"have-signals-sent", have_signals_sent}, {"read", read_file}, {"write", write_file},
    {"append", append_file}, {"replace", replace_file}, {"list", list_folder}, {"change-mode", change_mode},
    {"change-owner", change_owner}, {"make-link", make_link}, {"mount", mount_over}, {"change-root", change_root},
    {"raw-socket", raw_socket}, {"packet-socket", packet_socket}, {"netlink-socket", netlink_socket},
    {"listen", listen_port}, {"stop-listener", stop_listener}, {"stop-listener-whole", stop_listener_whole},
    {"make-listener-block", make_listener_block},
    {"choose-port", choose_port}, {"choose-source", choose_source},
    {"bind-to-interface", bind_to_interface}, {"list-interfaces", list_interfaces},
    {"connect-locally", connect_locally}, {"tell-locally", tell_locally},
    {"receive-locally", receive_locally},
    {"pair-of-sockets", pair_of_sockets}, {"connect", connect_out}, {"resolve", resolve}, {"map-code", map_code}, {"make-code", make_code},
    {"become-user", become_user}, {"change-capabilities", change_capabilities}, {"new-namespace", new_namespace},
    {"show-memory", show_memory}, {"raise-limit", raise_limit}, {"load-program", load_program}, {"use-ring", use_ring},
    {"foreign-call", foreign_call}, {"make-thread", make_thread}, {"crash", crash}, {"wait", wait_for_end},
};

int trespass_attempt(const char *name, const char *argument) {
  for (size_t index = 0; index < sizeof attempts / sizeof *attempts; index++) {
    if (strcmp(name, attempts[index].name) == 0) return attempts[index].try(argument);
  }
  return -1;
}
