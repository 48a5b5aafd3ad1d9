#pragma once
#include <stddef.h>
#include <stdint.h>

// Calls for supervisor and worker. Declared here and defined in supervision.c, because the GNU headers define types
// that conflict with the Glibc module's.

// Processes
int cl_close_from(void *actions, int lowest);  // posix_spawn_file_actions_t *
int cl_pidfd_open(int pid);
// 1: ended, with si_code and si_status; 0: still runs; -1: errno.
int cl_reap(int pidfd, int wait, int *code, int *status);
int cl_die_with_parent(int signal);
// The machine's memory in bytes; zero when unknown.
uint64_t cl_memory_bytes(void);
// Enlarges the process's descriptor table to `count` entries.
int cl_make_room_for_descriptors(int count);
int cl_processors(void);
char **cl_environment(void);

// Signals
const char *cl_signal_name(int signal);
const char *cl_signal_words(int signal);
int cl_ignore_signal(int signal);
int cl_signalfd(const void *signals);  // sigset_t *
int cl_next_signal(int signalfd);      // 0: none

// Messages with at most one descriptor; `passed` is -1 for none. EMSGSIZE when a message does not fit.
ptrdiff_t cl_send_message(int fd, const void *bytes, size_t count, int passed);
ptrdiff_t cl_receive_message(int fd, void *bytes, size_t room, int wait, int *passed);

int cl_is_message_socket(int fd);

// Memory files
int cl_memory_file(const char *name);
int cl_seal(int fd, int contents);
// 0: not sealed, or not a memory file; 1: the size is sealed; 2: size and contents.
int cl_sealed(int fd);
void *cl_map_shared(int fd, size_t count);
