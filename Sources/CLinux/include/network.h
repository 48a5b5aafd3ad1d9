#pragma once
#include <stddef.h>
#include <stdint.h>

// Raw and packet sockets, netlink, and scheduling. Declared here and defined in network.c, for the reason given in
// supervision.h. Addresses are represented as in sockets.h.

// VRRP (IP protocol 112), bound to an interface: 4 or 6.
int cl_vrrp_socket(int family, const char *interface);
int cl_vrrp_join(int fd, int family, int interface, uint64_t high, uint64_t low);

struct cl_address {
  int family;
  uint64_t high, low;
};

// The ancillary data of a received datagram; `hop_limit` and `interface` are -1 when unknown.
struct cl_arrival {
  struct cl_address source, destination;
  int hop_limit, interface;
};

// IPv4 packets start with the IP header, IPv6 packets after it.
ptrdiff_t cl_raw_receive(int fd, void *bytes, size_t room, struct cl_arrival *arrival);
ptrdiff_t cl_raw_send(int fd, const void *bytes, size_t count, int interface, const struct cl_address *source,
                      const struct cl_address *destination);

// Neighbour advertisements received by this machine.
int cl_neighbour_socket(const char *interface);

// Raw Ethernet frames. `ether_type` 0: for sending only.
int cl_frame_socket(int interface, uint16_t ether_type);
ptrdiff_t cl_frame_receive(int fd, void *bytes, size_t room, int *outgoing);

// Routing netlink; `groups` as a bit mask, 0: none.
int cl_route_socket(uint32_t groups);

// Like epoll_wait, with a timeout in nanoseconds; -1: no limit.
int cl_epoll_wait_nanoseconds(int epoll, void *events, int room, int64_t nanoseconds);

// Realtime scheduling, or a lower nice value; child processes inherit neither.
int cl_schedule_realtime(void);
int cl_schedule_sooner(int nice);
// The present scheduling of this process.
int cl_is_realtime(void);
int cl_nice(void);
