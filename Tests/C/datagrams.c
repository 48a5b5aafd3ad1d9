// Batches of datagrams (Sources/CLinux/datagrams.c) over loopback.
#define _GNU_SOURCE 1
#include "datagrams.h"
#include "sockets.h"
#include "check.h"

static struct cl_batch *batch;

static void wait_for(int fd) {
  struct pollfd waiting = {.fd = fd, .events = POLLIN};
  CHECK(poll(&waiting, 1, 10000) == 1);
}

/// Bound to a port that the kernel chose.
static int listener(int family, uint64_t high, uint64_t low, uint16_t *port) {
  int fd = socket(family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  CHECK(cl_report_arrivals(fd, family) == 0);
  if (cl_bind(fd, family, high, low, 0) != 0) {
    close(fd);
    return -1;
  }
  struct cl_address own;
  CHECK(cl_local_address(fd, &own.family, &own.high, &own.low, port) == 0);
  return fd;
}

static int client(struct cl_address from, struct cl_address to, uint16_t port) {
  int fd = socket(from.family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  CHECK(cl_bind(fd, from.family, from.high, from.low, 0) == 0 && cl_connect(fd, to.family, to.high, to.low, port) == 0);
  return fd;
}

/// What comes is sent back from where it came to, whatever its size, in order: a client that is connected takes answers
/// from no other address.
static void test_echo(int family, uint64_t high, uint64_t low, struct cl_address from, struct cl_address to) {
  uint16_t port = 0;
  int fd = listener(family, high, low, &port);
  if (fd < 0) {
    printf("datagrams: no IPv%d here\n", family);
    return;
  }
  CHECK(cl_batch_receive(batch, fd) == -1 && errno == EAGAIN);
  int peer = client(from, to, port);
  static uint8_t sent[65507], echoed[65536];
  const size_t sizes[] = {0, 1, 1200, 1472, 9000, sizeof sent};
  const int count = sizeof sizes / sizeof *sizes;
  for (int i = 0; i < count; i++) {
    memset(sent, i + 1, sizes[i]);
    CHECK(send(peer, sent, sizes[i], 0) == (ssize_t)sizes[i]);
  }
  for (int received = 0; received < count;) {
    wait_for(fd);
    int some = cl_batch_receive(batch, fd);
    CHECK(some > 0);
    struct cl_ends ends;
    for (int i = 0; i < some; i++) {
      CHECK(cl_batch_size(batch, i) == sizes[received + i] && cl_batch_ends(batch, i, &ends));
      // An IPv6 socket has IPv4 addresses in their mapped form.
      CHECK((uint32_t)ends.peer.low == (uint32_t)from.low && (uint32_t)ends.local.low == (uint32_t)to.low);
    }
    for (int first = 0; first < some;) {
      int out = cl_batch_send(batch, fd, first, some - first, &ends, family);
      CHECK(out > 0);
      first += out;
    }
    received += some;
  }
  for (int i = 0; i < count; i++) {
    memset(sent, i + 1, sizes[i]);
    wait_for(peer);
    CHECK(recv(peer, echoed, sizeof echoed, 0) == (ssize_t)sizes[i] && memcmp(echoed, sent, sizes[i]) == 0);
  }
  close(peer);
  close(fd);
}

/// A whole batch and one more, over a connected socket; then the peer is closed.
static void test_connected(void) {
  const struct cl_address own = {.family = 4, .low = 0x7f000001};
  uint16_t port = 0;
  int fd = listener(4, 0, own.low, &port), peer = client(own, own, port), far = client(own, own, port);
  uint8_t number;
  for (number = 0; number <= cl_batch_most; number++) CHECK(send(peer, &number, 1, 0) == 1);
  wait_for(fd);
  CHECK(cl_batch_receive(batch, fd) == cl_batch_most);
  CHECK(cl_batch_send(batch, far, 0, cl_batch_most, NULL, 0) == cl_batch_most);
  CHECK(cl_batch_receive(batch, fd) == cl_batch_most);
  CHECK(cl_batch_receive(batch, fd) == 1 && cl_batch_size(batch, 0) == 1);
  struct cl_ends ends;
  CHECK(cl_batch_ends(batch, 0, &ends) && ends.local.low == own.low && ends.local.family == 4);
  // Without the option the destination is unknown.
  CHECK(send(fd, &number, 1, 0) == -1);
  close(fd);
  CHECK(send(far, &number, 1, 0) == 1);
  wait_for(far);
  CHECK(cl_batch_receive(batch, far) == -1 && errno == ECONNREFUSED);
  CHECK(cl_batch_receive(batch, far) == -1 && errno == EAGAIN);
  close(peer);
  close(far);
}

/// What can't be answered from where it came to: broadcasts and groups.
static void test_unanswerable(void) {
  uint16_t port = 0;
  int fd = listener(4, 0, 0, &port), peer = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  CHECK(cl_set_option(peer, SOL_SOCKET, SO_BROADCAST, 1) == 0);
  struct sockaddr_storage to;
  socklen_t length = cl_sockaddr(&to, 4, 0, 0x7fffffff, port);
  if (sendto(peer, "x", 1, 0, (struct sockaddr *)&to, length) == 1) {
    wait_for(fd);
    struct cl_ends ends;
    CHECK(cl_batch_receive(batch, fd) == 1 && !cl_batch_ends(batch, 0, &ends));
  }
  close(fd);
  close(peer);
}

int main(void) {
  batch = cl_batch_make();
  CHECK(batch);
  const struct cl_address here = {.family = 4, .low = 0x7f000002}, there = {.family = 4, .low = 0x7f000003};
  const struct cl_address here6 = {.family = 6, .low = 1};
  test_echo(4, 0, 0, here, there);
  test_echo(6, 0, 1, here6, here6);
  test_echo(6, 0, 0, here, there);
  test_echo(6, 0, 0, here6, here6);
  test_connected();
  test_unanswerable();
  cl_batch_free(batch);
  puts("datagrams: ok");
}
