#pragma once
#include <stddef.h>
#include <stdint.h>

// Stream sockets between processes of one machine (unix(7)). A path of `count` bytes; one that begins with @ is a name
// in the kernel and no file. ENAMETOOLONG when it does not fit.

// Bound with mode 0660 from its first moment on. Not before every other thread has made the files that it makes.
int cl_local_listen(const char *path, size_t count, int backlog);
// Waits so long, and may later, where as many wait there as may. 0: never waits.
int cl_local_connect(const char *path, size_t count, int milliseconds);
// To a receiver, in place of the one before.
int cl_local_connect_datagrams(int fd, const char *path, size_t count);
int cl_local_accept(int fd);

// Whose process has connected: 0, or -1 with errno.
int cl_peer(int fd, int *pid, uint32_t *user, uint32_t *group);
// Whether that process belongs to this group by any of its groups.
int cl_peer_has_group(int fd, uint32_t group);
