#pragma once
#include <stddef.h>
#include <stdint.h>

// What a process gives up for good. Declared here and defined in confinement.c, for the reason given in supervision.h.
// All answer 0, or -1 with errno, unless they say otherwise.

// Nothing that this process executes gains a right (PR_SET_NO_NEW_PRIVS).
int cl_forbid_new_privileges(void);
// No core dump, and no debugger or reader of /proc that is not root's (PR_SET_DUMPABLE).
int cl_hide_memory(void);
// Keeps at most these capabilities, as bits, and none for what is executed. Bounds what could be executed by the same
// as far as that is allowed.
int cl_keep_capabilities(uint64_t capabilities);

// Sets a seccomp program of `count` 8-byte instructions for every thread; refusals are told to the kernel's audit log
// when `logs` is not 0.
int cl_filter_calls(const void *program, uint16_t count, int logs);

// Landlock's version, or -1.
int cl_landlock_version(void);
int cl_landlock_ruleset(uint64_t files, uint64_t network, uint64_t scopes);
// Allows what is below the folder or file at `path`.
int cl_landlock_allow(int ruleset, const char *path, uint64_t files);
int cl_landlock_enforce(int ruleset);

// Whether this is built with a sanitizer, whose run-time library makes calls of its own.
int cl_is_sanitized(void);
