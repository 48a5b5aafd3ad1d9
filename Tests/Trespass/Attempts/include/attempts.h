#pragma once

// Tries one thing, by its name in attempts.c: 0 when it succeeded, an errno when it did not, -1 for an unknown name.
int trespass_attempt(const char *name, const char *argument);
