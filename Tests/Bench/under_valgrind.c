// Preloaded into the supervisor, which Debian's valgrind can't run (it lacks pidfd_open): starts the worker under the
// command in BENCH_WRAPPER, whose words are separated by spaces.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_WORDS = 64 };

typedef int spawn(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[], char *const[]);

int posix_spawn(pid_t *process, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[]) {
  static char wrapper[4096], executable[PATH_MAX];
  strncpy(wrapper, getenv("BENCH_WRAPPER"), sizeof wrapper - 1);
  ssize_t length = readlink(path, executable, sizeof executable - 1);
  char *words[MOST_WORDS + 1];
  int count = 0;
  for (char *word = strtok(wrapper, " "); word && count < MOST_WORDS; word = strtok(NULL, " ")) words[count++] = word;
  words[count++] = length > 0 ? executable : (char *)path;
  for (int index = 1; arguments[index] && count < MOST_WORDS; index++) words[count++] = arguments[index];
  words[count] = NULL;
  spawn *real = (spawn *)dlsym(RTLD_NEXT, "posix_spawnp");
  return real ? real(process, words[0], actions, attributes, words, environment) : ENOSYS;
}

__attribute__((constructor)) static void preloadNobodyElse(void) { unsetenv("LD_PRELOAD"); }
