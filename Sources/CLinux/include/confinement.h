#pragma once
#include <stddef.h>
#include <stdint.h>

// Dropping of privileges. Declared here and defined in confinement.c, for the reason given in supervision.h. Functions
// return 0, or -1 with errno, unless stated otherwise.

// Executed files can't gain privileges (PR_SET_NO_NEW_PRIVS).
int cl_forbid_new_privileges(void);
// No core dump, and no debugging or reading through /proc except by root (PR_SET_DUMPABLE).
int cl_hide_memory(void);
// Keeps at most these capabilities, as bits, and none for executed programs. Also limits the bounding set, as far as
// permitted.
int cl_keep_capabilities(uint64_t capabilities);

// Installs a seccomp program of `count` 8-byte instructions for all threads; refused calls go to the kernel's audit log
// when `logs` is not 0.
int cl_filter_calls(const void *program, uint16_t count, int logs);

// Landlock's version, or -1.
int cl_landlock_version(void);
int cl_landlock_ruleset(uint64_t files, uint64_t network, uint64_t scopes);
// Allows access below the directory, or to the file, at `path`.
int cl_landlock_allow(int ruleset, const char *path, uint64_t files);
// Allows a TCP port, 0 for any of the kernel's choice.
int cl_landlock_allow_port(int ruleset, uint64_t rights, uint64_t port);
int cl_landlock_enforce(int ruleset);

// Whether this was built with a sanitizer, whose run-time library makes further system calls.
int cl_is_sanitized(void);
