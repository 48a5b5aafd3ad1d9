#pragma once
#include "network.h"
#include <stddef.h>
#include <stdint.h>

// UDP datagrams in batches. Declared here and defined in datagrams.c, for the reason given in supervision.h.

enum {
  cl_batch_most = 32,
  // More than any datagram has.
  cl_batch_room = 65536,
};

// Up to `cl_batch_most` datagrams of any size. Pages are used as datagrams come that need them.
struct cl_batch;
struct cl_batch *cl_batch_make(void);
void cl_batch_free(struct cl_batch *batch);

// Receives what waits; -1 with errno, EAGAIN when nothing does.
int cl_batch_receive(struct cl_batch *batch, int fd);
size_t cl_batch_size(const struct cl_batch *batch, int index);

// A datagram's ends: the peer's address and port, the interface if that address is link-local (else 0), and the address of
// ours.
struct cl_ends {
  struct cl_address peer, local;
  uint32_t scope;
  uint16_t port;
};

// Those of a datagram received last. False when it can't be answered: it came to a group or a broadcast address, from
// port 0, or the socket does not have `cl_report_arrivals`.
int cl_batch_ends(const struct cl_batch *batch, int index, struct cl_ends *ends);

// Sends datagrams received last, `count` from `first` on: to the peer that the socket is connected to, or between these
// ends from a socket of this family. Returns how many were sent, at least one; -1 with errno when the first was not.
int cl_batch_send(struct cl_batch *batch, int fd, int first, int count, const struct cl_ends *ends, int family);

// Has the kernel say which address of ours each datagram came to.
int cl_report_arrivals(int fd, int family);
