#define _GNU_SOURCE 1
#include "include/local.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int address(const char *path, size_t count, struct sockaddr_un *address, socklen_t *length) {
  if (count == 0 || count >= sizeof address->sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  memcpy(address->sun_path, path, count);
  *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + count + 1);
  if (path[0] == '@') {
    address->sun_path[0] = 0;
    *length -= 1;
  }
  return 0;
}

static int closed_with_error(int fd) {
  int code = errno;
  close(fd);
  errno = code;
  return -1;
}

int cl_local_listen(const char *path, size_t count, int backlog) {
  struct sockaddr_un name;
  socklen_t length;
  if (address(path, count, &name, &length) != 0) return -1;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  // bind() creates the file with the mode of the socket, without the bits of the umask.
  if (fchmod(fd, 0660) != 0 || bind(fd, (struct sockaddr *)&name, length) != 0) return closed_with_error(fd);
  if (path[0] != '@' && chmod(name.sun_path, 0660) != 0) return closed_with_error(fd);
  if (listen(fd, backlog) != 0) return closed_with_error(fd);
  return fd;
}

int cl_local_connect(const char *path, size_t count, int milliseconds) {
  struct sockaddr_un name;
  socklen_t length;
  if (address(path, count, &name, &length) != 0) return -1;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (milliseconds > 0 ? 0 : SOCK_NONBLOCK), 0);
  if (fd < 0) return -1;
  struct timeval bound = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
  if (milliseconds > 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound) != 0) return closed_with_error(fd);
  if (connect(fd, (struct sockaddr *)&name, length) != 0) return closed_with_error(fd);
  return fd;
}

int cl_local_connect_datagrams(int fd, const char *path, size_t count) {
  struct sockaddr_un name;
  socklen_t length;
  if (address(path, count, &name, &length) != 0) return -1;
  return connect(fd, (struct sockaddr *)&name, length);
}

int cl_local_accept(int fd) { return accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }

int cl_peer(int fd, int *pid, uint32_t *user, uint32_t *group) {
  struct ucred peer;
  socklen_t length = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return -1;
  *pid = peer.pid;
  *user = peer.uid;
  *group = peer.gid;
  return 0;
}

int cl_peer_has_group(int fd, uint32_t group) {
  struct ucred peer;
  socklen_t length = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.gid == group) return 1;
  // NGROUPS_MAX.
  length = 65536 * sizeof(gid_t);
  gid_t *groups = malloc(length);
  if (!groups) return 0;
  int found = 0;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &length) == 0) {
    for (size_t index = 0; index < length / sizeof(gid_t); index++) found |= groups[index] == group;
  }
  free(groups);
  return found;
}
