#define _GNU_SOURCE
#include "include/confinement.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int cl_forbid_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }
int cl_hide_memory(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

int cl_keep_capabilities(uint64_t capabilities) {
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  for (unsigned long number = 0; prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; number++) {
    if (!(capabilities >> number & 1)) prctl(PR_CAPBSET_DROP, number, 0, 0, 0);
  }
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct sets[2];
  if (syscall(SYS_capget, &header, sets) != 0) return -1;
  uint64_t permitted = sets[0].permitted | (uint64_t)sets[1].permitted << 32;
  // Under the unit there is nothing to drop, and its filter refuses the call.
  if (!(permitted & ~capabilities)) return 0;
  for (int half = 0; half < 2; half++) {
    uint32_t kept = sets[half].permitted & (uint32_t)(capabilities >> (32 * half));
    sets[half] = (struct __user_cap_data_struct){.effective = kept, .permitted = kept};
  }
  return (int)syscall(SYS_capset, &header, sets);
}

int cl_filter_calls(const void *program, uint16_t count, int logs) {
  struct sock_fprog filter = {.len = count, .filter = (struct sock_filter *)program};
  unsigned flags = SECCOMP_FILTER_FLAG_TSYNC | (logs ? SECCOMP_FILTER_FLAG_LOG : 0);
  long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
  if (result > 0) errno = ESRCH;  // a thread that could not be filtered
  return result == 0 ? 0 : -1;
}

// Own constants and structures: the headers of Enterprise Linux 9 and Debian 12 lack those of newer kernels.
enum { create_ruleset = 444, add_rule = 445, restrict_self = 446, version_flag = 1 };
enum { path_beneath = 1, net_port = 2 };

struct ruleset {
  uint64_t files, network, scopes;
};

struct __attribute__((packed)) rule {
  uint64_t files;
  int32_t parent;
};

int cl_landlock_version(void) { return (int)syscall(create_ruleset, NULL, 0, version_flag); }

int cl_landlock_ruleset(uint64_t files, uint64_t network, uint64_t scopes) {
  struct ruleset attributes = {.files = files, .network = network, .scopes = scopes};
  return (int)syscall(create_ruleset, &attributes, sizeof attributes, 0);
}

int cl_landlock_allow(int ruleset, const char *path, uint64_t files) {
  int parent = open(path, O_PATH | O_CLOEXEC);
  if (parent < 0) return -1;
  // READ_DIR, REMOVE_DIR to MAKE_SYM and REFER are invalid for a file.
  const uint64_t of_folders = 0x3ff8;
  struct stat status;
  if (fstat(parent, &status) == 0 && !S_ISDIR(status.st_mode)) files &= ~of_folders;
  struct rule rule = {.files = files, .parent = parent};
  int result = (int)syscall(add_rule, ruleset, path_beneath, &rule, 0);
  int code = errno;
  close(parent);
  errno = code;
  return result;
}

int cl_landlock_allow_port(int ruleset, uint64_t rights, uint64_t port) {
  struct {
    uint64_t rights, port;
  } rule = {rights, port};
  return (int)syscall(add_rule, ruleset, net_port, &rule, 0);
}

int cl_landlock_enforce(int ruleset) { return (int)syscall(restrict_self, ruleset, 0); }

#ifndef __has_feature
#define __has_feature(name) 0
#endif

int cl_is_sanitized(void) {
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return 1;
#else
  return 0;
#endif
}
