// Tests of waiting with nanosecond timeouts on a kernel without epoll_pwait2 (before Linux 5.11).
#define _GNU_SOURCE 1
#include "check.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

static long no_such_call(long number, ...) {
  (void)number;
  errno = ENOSYS;
  return -1;
}

static int asked;

static int noted_wait(int epoll, void *events, int room, int milliseconds) {
  (void)epoll, (void)events, (void)room;
  asked = milliseconds;
  return 0;
}

#include <sys/epoll.h>
#define syscall no_such_call
#define epoll_wait noted_wait
#include "../../Sources/CLinux/network.c"

int main(void) {
  const struct {
    int64_t nanoseconds;
    int milliseconds;
  } cases[] = {{-1, -1}, {INT64_MIN, -1}, {0, 0}, {1, 1}, {999999, 1}, {1000000, 1}, {1000001, 2},
               {1000000 * INT64_C(1000000), 1000000}, {INT64_MAX - 999998, 1000000}, {INT64_MAX, 1000000}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    CHECK(cl_epoll_wait_nanoseconds(0, NULL, 0, cases[i].nanoseconds) == 0);
    CHECK(asked == cases[i].milliseconds);
  }
  puts("old-kernel: ok");
}
