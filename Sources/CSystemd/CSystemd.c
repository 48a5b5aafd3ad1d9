#include "include/CSystemd.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>

int cs_notify(const char *state) { return sd_notify(0, state); }

int cs_keep_descriptor(const char *state, int fd) { return sd_pid_notify_with_fds(0, 0, state, &fd, 1); }

int cs_passed_descriptors(char ***names) { return sd_listen_fds_with_names(0, names); }

uint64_t cs_watchdog_microseconds(void) {
  uint64_t microseconds = 0;
  return sd_watchdog_enabled(0, &microseconds) > 0 ? microseconds : 0;
}

int cs_is_file(int fd, uint64_t device, uint64_t inode) {
  struct stat status;
  return fstat(fd, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}
