// Tests of the confinement of a process (Sources/CLinux/confinement.c), in child processes, because it is permanent.
// Features that this machine lacks or forbids (Landlock, capabilities) are printed and skipped.
#define _GNU_SOURCE 1
#include "confinement.h"
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/// Runs a test in a child process, so that it has no effect on the others; fails if the test fails.
static void in_child(void (*test)(void)) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    test();
    fflush(stdout);
    _exit(0);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void read_capabilities(struct __user_cap_data_struct sets[2]) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  CHECK(syscall(SYS_capget, &header, sets) == 0);
}

/// Keeps one capability of each half of the 64 bits, if it was set, and reduces the bounding set.
static void test_capabilities(void) {
  struct __user_cap_data_struct before[2], after[2];
  read_capabilities(before);
  const uint64_t kept = 1ull << CAP_NET_ADMIN | 1ull << CAP_WAKE_ALARM;
  CHECK(cl_keep_capabilities(kept) == 0);
  read_capabilities(after);
  for (int half = 0; half < 2; half++) {
    uint32_t expected = before[half].permitted & (uint32_t)(kept >> (32 * half));
    CHECK(after[half].permitted == expected && after[half].inheritable == 0);
    CHECK(after[half].effective == expected || !(before[half].permitted & ~(uint32_t)(kept >> (32 * half))));
  }
  // The bounding set is reduced only with CAP_SETPCAP.
  if (before[0].effective & 1u << CAP_SETPCAP) {
    CHECK(prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 0 && prctl(PR_CAPBSET_READ, CAP_NET_ADMIN, 0, 0, 0) == 1);
  } else {
    puts("confinement: no CAP_SETPCAP here, the bounding set is not looked at");
  }
  // The next call removes the rest; a further call has nothing to remove.
  CHECK(cl_keep_capabilities(0) == 0 && cl_keep_capabilities(0) == 0);
  read_capabilities(after);
  CHECK(after[0].permitted == 0 && after[1].permitted == 0);
}

static void *call_from_thread(void *mailbox) {
  char byte;
  while (read(*(int *)mailbox, &byte, 1) < 0) continue;
  return (void *)(intptr_t)(syscall(SYS_getppid) == -1 ? errno : 0);
}

/// One system call is refused, also in a thread that already exists; a program that the kernel does not accept is an
/// error.
static void test_filter(void) {
  int pipe_ends[2];
  CHECK(pipe(pipe_ends) == 0);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, call_from_thread, pipe_ends) == 0);
  CHECK(cl_forbid_new_privileges() == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
  struct sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  // A program without a return, and an empty one.
  CHECK(cl_filter_calls(program, 2, 0) == -1 && errno == EINVAL);
  CHECK(cl_filter_calls(program, 0, 0) == -1 && errno == EINVAL);
  CHECK(syscall(SYS_getppid) > 0);
  CHECK(cl_filter_calls(program, 4, 1) == 0);
  CHECK(syscall(SYS_getppid) == -1 && errno == EPERM && syscall(SYS_getpid) == getpid());
  void *result;
  CHECK(write(pipe_ends[1], "", 1) == 1 && pthread_join(thread, &result) == 0 && (intptr_t)result == EPERM);
}

/// A thread with its own filter can't get the filter of another thread: the call must fail for all threads.
static void *filter_itself(void *pipe_ends) {
  struct sock_filter program[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog filter = {.len = 1, .filter = program};
  CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0);
  CHECK(write(((int *)pipe_ends)[1], "", 1) == 1);
  pause();
  return NULL;
}

static void test_filter_of_a_stray_thread(void) {
  int pipe_ends[2];
  char byte;
  pthread_t thread;
  CHECK(pipe(pipe_ends) == 0 && cl_forbid_new_privileges() == 0);
  CHECK(pthread_create(&thread, NULL, filter_itself, pipe_ends) == 0 && read(pipe_ends[0], &byte, 1) == 1);
  struct sock_filter program[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  CHECK(cl_filter_calls(program, 1, 0) == -1 && errno == ESRCH);
}

static int open_descriptors(void) {
  DIR *folder = opendir("/proc/self/fd");
  if (folder == NULL) return -1;
  int count = 0;
  while (readdir(folder) != NULL) count++;
  closedir(folder);
  return count;
}

static char folder[] = "/tmp/belvedere-c-XXXXXX";

/// A file and a folder are allowed, also with rights for folders; other files in the same folder are not.
static void test_landlock(void) {
  int version = cl_landlock_version();
  if (version < 1) {
    printf("confinement: no Landlock here (%s)\n", strerror(errno));
    return;
  }
  char file[64], below[64], beside[64];
  snprintf(file, sizeof file, "%s/file", folder);
  snprintf(below, sizeof below, "%s/folder", folder);
  snprintf(beside, sizeof beside, "%s/beside", folder);
  CHECK(mkdir(below, 0700) == 0);
  for (int i = 0; i < 2; i++) close(open(i ? beside : file, O_CREAT | O_RDWR | O_CLOEXEC, 0600));

  // Version 1: EXECUTE to MAKE_SYM.
  const uint64_t all = 0x1fff;
  int before = open_descriptors(), ruleset = cl_landlock_ruleset(all, 0, 0);
  CHECK(ruleset >= 0);
  // The kernel rejects rights for folders on a file, so they must be left out.
  CHECK(cl_landlock_allow(ruleset, file, all) == 0 && cl_landlock_allow(ruleset, below, all) == 0);
  CHECK(cl_landlock_allow(ruleset, "/nowhere", all) == -1 && errno == ENOENT);
  CHECK(cl_landlock_allow(-1, file, all) == -1 && errno == EBADF);
  CHECK(cl_landlock_allow(ruleset, below, all << 20) == -1 && errno == EINVAL);
  CHECK(open_descriptors() == before + 1);
  CHECK(cl_forbid_new_privileges() == 0 && cl_landlock_enforce(ruleset) == 0);
  close(ruleset);
  CHECK(cl_landlock_enforce(-1) == -1 && errno == EBADF);

  int opened = open(file, O_RDWR | O_CLOEXEC);
  CHECK(opened >= 0);
  close(opened);
  CHECK(open(beside, O_RDONLY | O_CLOEXEC) == -1 && errno == EACCES);
  CHECK(mkdir(beside, 0700) == -1 && (errno == EACCES || errno == EEXIST));
  strcat(below, "/new");
  opened = open(below, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  CHECK(opened >= 0);
  close(opened);
}

static void test_memory(void) {
  CHECK(cl_hide_memory() == 0 && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
}

int main(void) {
  in_child(test_capabilities);
  in_child(test_filter);
  in_child(test_filter_of_a_stray_thread);
  CHECK(mkdtemp(folder) != NULL);
  in_child(test_landlock);
  in_child(test_memory);
  // Built without Swift's sanitizers, which provide their own functions.
  CHECK(cl_is_sanitized() == 0);
  const char *const names[] = {"file", "beside", "folder/new", "folder", ""};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[64];
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    CHECK(remove(path) == 0 || errno == ENOENT);
  }
  puts("confinement: ok");
}
