// Tests of the logic and bounds in Sources/CLinux: addresses, names of sockets, messages with descriptors, ancillary
// data of datagrams. They need no privileges; unavailable features (IPv6 in a container) are skipped.
#define _GNU_SOURCE 1
#include "CLinux.h"
#include "check.h"

#include <dirent.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

static int open_descriptors(void) {
  DIR *folder = opendir("/proc/self/fd");
  CHECK(folder != NULL);
  int count = 0;
  while (readdir(folder) != NULL) count++;
  closedir(folder);
  return count;
}

static uint64_t next_random(void) {
  static uint64_t state = 1;
  state = state * 6364136223846793005u + 1442695040888963407u;
  return state;
}

static void test_addresses(void) {
  for (int i = 0; i < 10000; i++) {
    uint64_t high = next_random(), low = next_random();
    uint16_t port = (uint16_t)(next_random() >> 40);
    int family = i % 2 ? 4 : 6;
    struct sockaddr_storage storage;
    socklen_t length = cl_sockaddr(&storage, family, high, low, port);
    CHECK(length == (family == 4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6)));
    int read_family;
    uint64_t read_high, read_low;
    uint16_t read_port;
    cl_read_sockaddr(&storage, &read_family, &read_high, &read_low, &read_port);
    CHECK(read_family == family && read_port == port);
    CHECK(family == 4 ? read_high == 0 && read_low == (uint32_t)low : read_high == high && read_low == low);
  }
  // At any address, big-endian, and only the eight bytes.
  for (int offset = 0; offset < 8; offset++) {
    uint8_t *bytes = calloc(1, 8 + (size_t)offset);
    cl_store64(bytes + offset, 0x0102030405060708u);
    for (int i = 0; i < 8; i++) CHECK(bytes[offset + i] == i + 1);
    CHECK(cl_load64(bytes + offset) == 0x0102030405060708u);
    free(bytes);
  }
}

/// A path of exactly `count` bytes, without a terminator.
static char *path_of(size_t count, char first) {
  char *path = malloc(count + 1);
  memset(path, 'x', count);
  path[0] = first;
  path = realloc(path, count ? count : 1);
  return path;
}

static void test_local_sockets(void) {
  const size_t room = sizeof((struct sockaddr_un *)0)->sun_path;
  char folder[] = "/tmp/belvedere-c-XXXXXX";
  CHECK(mkdtemp(folder) != NULL && chdir(folder) == 0);
  const size_t counts[] = {0, 1, 2, room - 1, room, room + 1, 4096};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    size_t count = counts[i];
    int fits = count > 0 && count < room;
    char *path = path_of(count, 'x');
    int listener = cl_local_listen(path, count, 4);
    CHECK((listener >= 0) == fits && (fits || errno == ENAMETOOLONG));
    int client = cl_local_connect(path, count, 0);
    CHECK((client >= 0) == fits && (fits || errno == ENAMETOOLONG));
    if (fits) {
      char name[200] = {0};
      memcpy(name, path, count);
      struct stat status;
      CHECK(lstat(name, &status) == 0 && (status.st_mode & 07777) == 0660);
      int accepted = cl_local_accept(listener);
      int process;
      uint32_t user, group;
      CHECK(accepted >= 0 && cl_peer(accepted, &process, &user, &group) == 0);
      CHECK(process == getpid() && user == geteuid() && group == getegid());
      CHECK(cl_peer_has_group(accepted, getegid()) == 1 && cl_peer_has_group(accepted, 4000000000u) == 0);
      close(accepted);
      CHECK(unlink(name) == 0);
    }
    if (listener >= 0) close(listener);
    if (client >= 0) close(client);
    int datagrams = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK(cl_local_connect_datagrams(datagrams, path, count) != 0);
    close(datagrams);
    free(path);
  }
  // An abstract name is not a file.
  char *name = path_of(20, '@');
  int listener = cl_local_listen(name, 20, 4), client = cl_local_connect(name, 20, 1000);
  CHECK(listener >= 0 && client >= 0 && access(name, F_OK) != 0);
  close(listener);
  close(client);
  free(name);
  CHECK(chdir("/") == 0 && rmdir(folder) == 0);
}

static void test_messages(void) {
  int ends[2];
  CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
  CHECK(cl_is_message_socket(ends[0]) == 1 && cl_is_message_socket(0) == 0 && cl_is_message_socket(-1) == 0);
  int before = open_descriptors(), passed = 0;
  char *bytes = malloc(8);

  CHECK(cl_receive_message(ends[1], bytes, 8, 0, &passed) == -1 && errno == EAGAIN && passed == -1);
  CHECK(cl_send_message(ends[0], "12345678", 8, -1) == 8);
  CHECK(cl_receive_message(ends[1], bytes, 8, 0, &passed) == 8 && passed == -1 && memcmp(bytes, "12345678", 8) == 0);
  CHECK(cl_send_message(ends[0], "1", 1, ends[0]) == 1);
  CHECK(cl_receive_message(ends[1], bytes, 8, 1, &passed) == 1 && passed >= 0);
  CHECK(fcntl(passed, F_GETFD) == FD_CLOEXEC);
  close(passed);

  // A message that does not fit is rejected, and its descriptor is closed.
  CHECK(cl_send_message(ends[0], "123456789", 9, ends[0]) == 9);
  CHECK(cl_receive_message(ends[1], bytes, 8, 0, &passed) == -1 && errno == EMSGSIZE && passed == -1);
  CHECK(open_descriptors() == before);

  // More than one descriptor is rejected too.
  for (size_t count = 2; count < 6; count++) {
    const int several[] = {0, 1, 2, 0, 1, 2};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof several)] = {0};
    struct iovec vector = {.iov_base = "1", .iov_len = 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(count * sizeof(int))};
    memcpy(CMSG_DATA(header), several, count * sizeof(int));
    CHECK(sendmsg(ends[0], &message, 0) == 1);
    CHECK(cl_receive_message(ends[1], bytes, 8, 0, &passed) == -1 && errno == EMSGSIZE && passed == -1);
    CHECK(open_descriptors() == before);
  }

  close(ends[0]);
  CHECK(cl_receive_message(ends[1], bytes, 8, 1, &passed) == 0 && passed == -1);
  close(ends[1]);
  free(bytes);
}

/// Datagrams to ourselves: source and destination, and no write after the buffer.
static void test_arrivals(int family) {
  uint64_t low = family == 4 ? 0x7f000001 : 1;
  int receiver = socket(family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (receiver < 0 || cl_bind(receiver, family, 0, low, 0) != 0) {
    if (receiver >= 0) close(receiver);
    printf("no IPv%d here\n", family);
    return;
  }
  if (family == 4) CHECK(cl_set_option(receiver, IPPROTO_IP, IP_PKTINFO, 1) == 0);
  if (family == 6) CHECK(cl_set_option(receiver, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) == 0);
  if (family == 6) CHECK(cl_set_option(receiver, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1) == 0);
  int bound;
  uint64_t high;
  uint16_t port;
  CHECK(cl_local_address(receiver, &bound, &high, &low, &port) == 0 && bound == family && port != 0);
  int sender = socket(family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  CHECK(cl_connect(sender, family, high, low, port) == 0);

  char *bytes = malloc(16);
  struct cl_arrival arrival;
  CHECK(cl_raw_receive(receiver, bytes, 16, &arrival) == -1 && errno == EAGAIN);
  char text[64] = "0123456789abcdefg";
  for (size_t count = 0; count <= sizeof text; count += 16) {
    CHECK(send(sender, text, count, 0) == (ssize_t)count);
    CHECK(cl_raw_receive(receiver, bytes, 16, &arrival) == (ptrdiff_t)count);
    CHECK(memcmp(bytes, text, count < 16 ? count : 16) == 0);
    CHECK(arrival.source.family == family && arrival.source.high == high && arrival.source.low == low);
    CHECK(arrival.destination.family == family && arrival.destination.high == high && arrival.destination.low == low);
    CHECK(arrival.interface > 0 && (family == 4 ? arrival.hop_limit == -1 : arrival.hop_limit > 0));
  }
  free(bytes);
  close(sender);
  close(receiver);
}

static void test_resolving(void) {
  int family;
  uint64_t high, low;
  CHECK(cl_resolve("127.0.0.1", &family, &high, &low, 1) == 1);
  CHECK(family == 4 && high == 0 && low == 0x7f000001);
  CHECK(cl_resolve("::1", &family, &high, &low, 1) == 1 && family == 6 && high == 0 && low == 1);
  // With room for no address, nothing is written.
  CHECK(cl_resolve("127.0.0.1", NULL, NULL, NULL, 0) == 0);
  CHECK(cl_resolve("not a name", &family, &high, &low, 1) < 0);
}

static void test_memory_files(void) {
  int file = cl_memory_file("test");
  CHECK(file >= 0 && cl_sealed(file) == 0 && ftruncate(file, 4096) == 0);
  char *base = cl_map_shared(file, 4096);
  CHECK(base != NULL);
  CHECK(cl_seal(file, 0) == 0 && cl_sealed(file) == 1 && ftruncate(file, 1) != 0);
  base[4095] = 1;
  munmap(base, 4096);
  close(file);
  file = cl_memory_file("test");
  CHECK(write(file, "1", 1) == 1 && cl_seal(file, 1) == 0 && cl_sealed(file) == 2 && write(file, "2", 1) < 0);
  close(file);
  CHECK(cl_sealed(0) == 0 && cl_map_shared(-1, 1) == NULL);
}

/// A child that exits, and one that is killed.
static void test_children(void) {
  const struct {
    int status, code, signal;
  } ends[] = {{7, CLD_EXITED, 0}, {SIGKILL, CLD_KILLED, SIGKILL}};
  for (int i = 0; i < 2; i++) {
    pid_t child = fork();
    if (child == 0) {
      if (ends[i].signal) pause();
      _exit(7);
    }
    int handle = cl_pidfd_open(child), code = 0, status = 0;
    CHECK(handle >= 0);
    if (ends[i].signal) {
      CHECK(cl_reap(handle, 0, &code, &status) == 0);
      kill(child, ends[i].signal);
    }
    CHECK(cl_reap(handle, 1, &code, &status) == 1 && code == ends[i].code && status == ends[i].status);
    CHECK(cl_reap(handle, 1, &code, &status) == -1);
    close(handle);
  }
}

static void test_signals(void) {
  sigset_t set, before;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  cl_block_signals(&before);
  int reader = cl_signalfd(&set);
  CHECK(reader >= 0 && cl_next_signal(reader) == 0);
  raise(SIGUSR1);
  CHECK(cl_next_signal(reader) == SIGUSR1 && cl_next_signal(reader) == 0);
  cl_restore_signals(&before);
  close(reader);
  for (int number = -1; number < 200; number++) {
    const char *name = cl_signal_name(number);
    if (name != NULL) CHECK(strlen(name) > 0 && cl_signal_words(number) != NULL);
  }
}

static void test_waiting(void) {
  int poller = epoll_create1(EPOLL_CLOEXEC), event = eventfd(0, EFD_CLOEXEC);
  struct epoll_event *events = calloc(1, sizeof *events);
  CHECK(cl_epoll_add(poller, event, EPOLLIN, UINT64_MAX - 1) == 0);
  CHECK(cl_epoll_wait_nanoseconds(poller, events, 1, 0) == 0);
  CHECK(cl_epoll_wait_nanoseconds(poller, events, 1, 1) == 0);
  eventfd_write(event, 1);
  const int64_t timeouts[] = {0, 1, -1, INT64_MIN, INT64_MAX};
  for (int i = 0; i < 5; i++) {
    CHECK(cl_epoll_wait_nanoseconds(poller, events, 1, timeouts[i]) == 1);
    CHECK(cl_epoll_token(events) == UINT64_MAX - 1);
  }
  free(events);
  close(event);
  close(poller);
}

int main(void) {
  int before = open_descriptors();
  test_addresses();
  test_local_sockets();
  test_messages();
  test_arrivals(4);
  test_arrivals(6);
  test_resolving();
  test_memory_files();
  test_children();
  test_signals();
  test_waiting();
  CHECK(open_descriptors() == before);
  puts("system: ok");
}
