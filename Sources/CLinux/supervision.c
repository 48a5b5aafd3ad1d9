#define _GNU_SOURCE 1
#include "include/supervision.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int cl_close_from(void *actions, int lowest) { return posix_spawn_file_actions_addclosefrom_np(actions, lowest); }

int cl_pidfd_open(int pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int cl_reap(int pidfd, int wait, int *code, int *status) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  if (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | (wait ? 0 : WNOHANG)) != 0) return -1;
  *code = info.si_code;
  *status = info.si_status;
  return info.si_pid != 0;
}

int cl_die_with_parent(int signal) { return prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0); }

uint64_t cl_memory_bytes(void) {
  struct sysinfo machine;
  return sysinfo(&machine) == 0 ? (uint64_t)machine.totalram * machine.mem_unit : 0;
}

int cl_make_room_for_descriptors(int count) {
  int highest = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, count - 1);
  return highest < 0 ? -1 : close(highest);
}

int cl_processors(void) {
  cpu_set_t processors;
  return sched_getaffinity(0, sizeof processors, &processors) == 0 ? CPU_COUNT(&processors) : 1;
}

char **cl_environment(void) { return environ; }

const char *cl_signal_name(int signal) { return sigabbrev_np(signal); }
const char *cl_signal_words(int signal) { return sigdescr_np(signal); }
int cl_ignore_signal(int number) { return signal(number, SIG_IGN) == SIG_ERR ? -1 : 0; }
int cl_signalfd(const void *signals) { return signalfd(-1, signals, SFD_NONBLOCK | SFD_CLOEXEC); }

int cl_next_signal(int fd) {
  struct signalfd_siginfo information;
  return read(fd, &information, sizeof information) == sizeof information ? (int)information.ssi_signo : 0;
}

ptrdiff_t cl_send_message(int fd, const void *bytes, size_t count, int passed) {
  struct iovec vector = {.iov_base = (void *)bytes, .iov_len = count};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
  _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
  if (passed >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &passed, sizeof passed);
  }
  return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

ptrdiff_t cl_receive_message(int fd, void *bytes, size_t room, int wait, int *passed) {
  struct iovec vector = {.iov_base = bytes, .iov_len = room};
  // Without the padding that CMSG_SPACE adds: it would have room for a second descriptor.
  _Alignas(struct cmsghdr) char control[CMSG_LEN(sizeof(int))];
  struct msghdr message = {
      .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  *passed = -1;
  ssize_t count = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
  if (count < 0) return count;
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  // There is room for one descriptor; the kernel closes further ones and sets MSG_CTRUNC.
  if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
    memcpy(passed, CMSG_DATA(header), sizeof *passed);
  }
  if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
    if (*passed >= 0) close(*passed);
    *passed = -1;
    errno = EMSGSIZE;
    return -1;
  }
  return count;
}

int cl_is_message_socket(int fd) {
  int domain = 0, type = 0;
  socklen_t length = sizeof(int);
  return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_UNIX &&
         getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_SEQPACKET;
}

int cl_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING); }

int cl_seal(int fd, int contents) {
  return fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL | (contents ? F_SEAL_WRITE : 0));
}

int cl_sealed(int fd) {
  int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0 || !(seals & F_SEAL_SHRINK) || !(seals & F_SEAL_GROW)) return 0;
  return seals & F_SEAL_WRITE ? 2 : 1;
}

void *cl_map_shared(int fd, size_t count) {
  void *base = mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return base == MAP_FAILED ? NULL : base;
}
