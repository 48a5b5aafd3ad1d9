#pragma once
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// An address is a family (4 or 6) and two host-order halves of its big-endian bytes, as in Wire.IPAddress.

static inline uint64_t cl_load64(const uint8_t *bytes) {
  uint64_t value = 0;
  for (int i = 0; i < 8; i++) value = value << 8 | bytes[i];
  return value;
}

static inline void cl_store64(uint8_t *bytes, uint64_t value) {
  for (int i = 7; i >= 0; i--, value >>= 8) bytes[i] = (uint8_t)value;
}

static inline socklen_t cl_sockaddr(struct sockaddr_storage *storage, int family, uint64_t high, uint64_t low, uint16_t port) {
  memset(storage, 0, sizeof *storage);
  if (family == 4) {
    struct sockaddr_in *in = (struct sockaddr_in *)storage;
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    in->sin_addr.s_addr = htonl((uint32_t)low);
    return sizeof *in;
  }
  struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)storage;
  in6->sin6_family = AF_INET6;
  in6->sin6_port = htons(port);
  cl_store64(in6->sin6_addr.s6_addr, high);
  cl_store64(in6->sin6_addr.s6_addr + 8, low);
  return sizeof *in6;
}

static inline void cl_read_sockaddr(const struct sockaddr_storage *storage, int *family, uint64_t *high, uint64_t *low, uint16_t *port) {
  if (storage->ss_family == AF_INET) {
    const struct sockaddr_in *in = (const struct sockaddr_in *)storage;
    *family = 4;
    *high = 0;
    *low = ntohl(in->sin_addr.s_addr);
    *port = ntohs(in->sin_port);
  } else {
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)storage;
    *family = 6;
    *high = cl_load64(in6->sin6_addr.s6_addr);
    *low = cl_load64(in6->sin6_addr.s6_addr + 8);
    *port = ntohs(in6->sin6_port);
  }
}

static inline int cl_bind(int fd, int family, uint64_t high, uint64_t low, uint16_t port) {
  struct sockaddr_storage storage;
  socklen_t length = cl_sockaddr(&storage, family, high, low, port);
  return bind(fd, (struct sockaddr *)&storage, length);
}

static inline int cl_connect(int fd, int family, uint64_t high, uint64_t low, uint16_t port) {
  struct sockaddr_storage storage;
  socklen_t length = cl_sockaddr(&storage, family, high, low, port);
  return connect(fd, (struct sockaddr *)&storage, length);
}

static inline int cl_accept(int fd, int *family, uint64_t *high, uint64_t *low, uint16_t *port) {
  struct sockaddr_storage storage;
  socklen_t length = sizeof storage;
  int accepted = accept4(fd, (struct sockaddr *)&storage, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (accepted >= 0) cl_read_sockaddr(&storage, family, high, low, port);
  return accepted;
}

static inline int cl_local_address(int fd, int *family, uint64_t *high, uint64_t *low, uint16_t *port) {
  struct sockaddr_storage storage;
  socklen_t length = sizeof storage;
  int result = getsockname(fd, (struct sockaddr *)&storage, &length);
  if (result == 0) cl_read_sockaddr(&storage, family, high, low, port);
  return result;
}

static inline int cl_set_option(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value);
}

static inline int cl_get_option(int fd, int level, int name, int *value) {
  socklen_t length = sizeof *value;
  return getsockopt(fd, level, name, value, &length);
}

static inline int cl_set_abort_on_close(int fd, int aborts) {
  struct linger linger = {.l_onoff = aborts, .l_linger = 0};
  return setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

// Disconnects a TCP socket: it keeps its port, and can listen again.
static inline int cl_disconnect(int fd) {
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  return connect(fd, &none, sizeof none);
}

// Resets the listener options that a worker's system calls can set and that connections inherit.
static inline void cl_reset_options(int fd) {
  cl_set_abort_on_close(fd, 0);
  cl_set_option(fd, IPPROTO_IP, IP_RECVERR, 0);
  cl_set_option(fd, IPPROTO_IPV6, IPV6_RECVERR, 0);
}

// The number of unread bytes; -1 with errno.
static inline int cl_bytes_waiting(int fd) {
  int count = 0;
  return ioctl(fd, FIONREAD, &count) == 0 ? count : -1;
}

static inline int cl_epoll_add(int epoll, int fd, uint32_t events, uint64_t token) {
  struct epoll_event event = {.events = events, .data = {.u64 = token}};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static inline uint64_t cl_epoll_token(const struct epoll_event *event) { return event->data.u64; }

static inline uint64_t cl_clock_nanoseconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline const char *cl_error_words(int code) { return strerrordesc_np(code); }
static inline const char *cl_error_name(int code) { return strerrorname_np(code); }
static inline int cl_errno(void) { return errno; }

// The local time zone's offset from UTC in minutes, at a time.
static inline int cl_utc_offset(int64_t seconds) {
  time_t time = (time_t)seconds;
  struct tm local;
  localtime_r(&time, &local);
  return (int)(local.tm_gmtoff / 60);
}

// Blocks all signals except faults of the thread itself, and returns the previous mask.
static inline void cl_block_signals(sigset_t *before) {
  sigset_t all;
  sigfillset(&all);
  const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
  for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(&all, faults[i]);
  pthread_sigmask(SIG_SETMASK, &all, before);
}

static inline void cl_restore_signals(const sigset_t *before) { pthread_sigmask(SIG_SETMASK, before, NULL); }

static inline int cl_set_thread_name(const char *name) { return pthread_setname_np(pthread_self(), name); }

static const uint32_t cl_epoll_edge_triggered = (uint32_t)EPOLLIN | EPOLLOUT | EPOLLRDHUP | (uint32_t)EPOLLET;

/// Resolves a name with the system's resolver. Returns the number of addresses, at most `capacity`, or a negated error
/// code of getaddrinfo.
int cl_resolve(const char *name, int *families, uint64_t *highs, uint64_t *lows, int capacity);
