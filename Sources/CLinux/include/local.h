#pragma once
#include <stddef.h>
#include <stdint.h>

// Stream sockets between processes of one machine (unix(7)). `path` has `count` bytes; one that starts with @ is an
// abstract name without a file. ENAMETOOLONG when it is too long.

// Binds with mode 0660: less at first, if the umask says so, and never more.
int cl_local_listen(const char *path, size_t count, int backlog);
// Waits up to `milliseconds` when the queue is full, also in later calls on the socket. 0: never blocks.
int cl_local_connect(const char *path, size_t count, int milliseconds);
// Connects a datagram socket to a receiver, instead of the previous one.
int cl_local_connect_datagrams(int fd, const char *path, size_t count);
int cl_local_accept(int fd);

// The peer's process ID, user and group: 0, or -1 with errno.
int cl_peer(int fd, int *pid, uint32_t *user, uint32_t *group);
// Whether the peer's process has this group, as primary or supplementary group.
int cl_peer_has_group(int fd, uint32_t group);
