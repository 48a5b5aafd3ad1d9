#pragma once
#include <stddef.h>
#include <stdint.h>

// Nothing here includes systemd's own headers: what they include clashes with the Glibc module's. CSystemd.c does.

// sd_notify(3): the result is of no use to a service that may run without systemd.
int cs_notify(const char *state);
// sd_pid_notify_with_fds(3): the same with a descriptor, which systemd duplicates.
int cs_keep_descriptor(const char *state, int fd);
// sd_listen_fds_with_names(3): how many descriptors systemd passed, from 3 on, closed on exec from now on. Their names,
// to be freed one by one and then as a whole; NULL when there are none.
int cs_passed_descriptors(char ***names);
// sd_watchdog_enabled(3): microseconds, or 0 when systemd does not watch this process.
uint64_t cs_watchdog_microseconds(void);
// Whether a descriptor is the file with this device and inode.
int cs_is_file(int fd, uint64_t device, uint64_t inode);
