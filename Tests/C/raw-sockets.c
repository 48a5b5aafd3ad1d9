// Tests of the VRRP sockets (Sources/CLinux/network.c), on the loopback interface of a new network namespace. They are
// skipped without the right to create one.
#define _GNU_SOURCE 1
#include "network.h"
#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <net/ethernet.h>
#include <linux/if_ether.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { loopback = 1, room = 64 };

/// A buffer of exactly this size: the sanitizer detects a write after it.
static uint8_t *bytes;

static void wait_for(int fd) {
  struct pollfd waiting = {.fd = fd, .events = POLLIN};
  CHECK(poll(&waiting, 1, 10000) == 1);
}

static int raise_loopback(void) {
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int result = ioctl(fd, SIOCSIFFLAGS, &request);
  close(fd);
  return result;
}

/// From our own address to ourselves, like an advertisement: its content, and what the receiver learns about it.
static void test_vrrp(int family) {
  const struct cl_address own = {.family = family, .low = family == 4 ? 0x7f000001 : 1};
  int receiver = cl_vrrp_socket(family, "lo"), sender = cl_vrrp_socket(family, "lo");
  if (receiver < 0 && errno == EAFNOSUPPORT) {
    printf("raw-sockets: no IPv%d here\n", family);
    return;
  }
  CHECK(receiver >= 0 && sender >= 0);
  struct cl_arrival arrival;
  CHECK(cl_raw_receive(receiver, bytes, room, &arrival) == -1 && errno == EAGAIN);
  const size_t header = family == 4 ? 20 : 0, counts[] = {0, 1, room - 20, room, 4 * room};
  static const uint8_t text[4 * room] = "an advertisement";
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    CHECK(cl_raw_send(sender, text, counts[i], loopback, &own, &own) == (ptrdiff_t)counts[i]);
    wait_for(receiver);
    // The whole length, including what did not fit.
    CHECK(cl_raw_receive(receiver, bytes, room, &arrival) == (ptrdiff_t)(header + counts[i]));
    size_t kept = counts[i] < room - header ? counts[i] : room - header;
    CHECK(memcmp(bytes + header, text, kept) == 0);
    CHECK(arrival.interface == loopback && arrival.source.family == family && arrival.destination.family == family);
    CHECK(arrival.source.high == 0 && arrival.source.low == own.low && arrival.destination.low == own.low);
    // RFC 9568 §5.1.1.3: the TTL is 255, in the IPv4 header. The type of service is internetwork control.
    if (family == 4) CHECK(arrival.hop_limit == -1 && bytes[8] == 255 && bytes[1] == 0xc0 && bytes[9] == 112);
    if (family == 6) CHECK(arrival.hop_limit == 255);
  }
  // Both sockets received it, once.
  CHECK(cl_raw_receive(receiver, bytes, room, &arrival) == -1 && errno == EAGAIN);

  // The group of RFC 9568 §5.1.1.2; a second join has no effect.
  const struct cl_address group = family == 4 ? (struct cl_address){.family = 4, .low = 0xe0000012}
                                              : (struct cl_address){.family = 6, .high = 0xff02000000000000, .low = 0x12};
  CHECK(cl_vrrp_join(receiver, family, loopback, group.high, group.low) == 0);
  CHECK(cl_vrrp_join(receiver, family, loopback, group.high, group.low) == -1 && errno == EADDRINUSE);
  CHECK(cl_vrrp_join(receiver, family, 9999, group.high, group.low) == -1 && errno == ENODEV);
  CHECK(cl_vrrp_join(receiver, family, loopback, 0, own.low) == -1 && errno == EINVAL);
  close(receiver);
  close(sender);
}

static void test_refusals(void) {
  CHECK(cl_vrrp_socket(4, "nowhere") == -1 && errno == ENODEV);
  CHECK(cl_neighbour_socket("nowhere") == -1 && (errno == ENODEV || errno == EAFNOSUPPORT));
  CHECK(cl_frame_socket(9999, ETH_P_ARP) == -1 && errno == ENODEV);
  int probe = socket(AF_INET, SOCK_DGRAM, 0);
  CHECK(probe == 3);  // all sockets of failed calls are closed
  close(probe);
}

/// Of neighbour discovery messages, only advertisements are received.
static void test_neighbours(void) {
  int receiver = cl_neighbour_socket("lo");
  if (receiver < 0 && errno == EAFNOSUPPORT) return;
  CHECK(receiver >= 0);
  int sender = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6), hops = 255;
  CHECK(setsockopt(sender, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof hops) == 0);
  const uint8_t types[] = {ND_NEIGHBOR_SOLICIT, ND_ROUTER_ADVERT, ND_NEIGHBOR_ADVERT};
  struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  for (size_t i = 0; i < sizeof types; i++) {
    struct nd_neighbor_advert message = {.nd_na_type = types[i]};
    CHECK(sendto(sender, &message, sizeof message, 0, (struct sockaddr *)&to, sizeof to) == sizeof message);
  }
  struct cl_arrival arrival;
  wait_for(receiver);
  CHECK(cl_raw_receive(receiver, bytes, room, &arrival) == sizeof(struct nd_neighbor_advert));
  CHECK(bytes[0] == ND_NEIGHBOR_ADVERT && arrival.hop_limit == 255 && arrival.interface == loopback);
  CHECK(arrival.source.family == 6 && arrival.source.low == 1 && arrival.destination.low == 1);
  CHECK(cl_raw_receive(receiver, bytes, room, &arrival) == -1 && errno == EAGAIN);
  close(receiver);
  close(sender);
}

/// A frame is sent unchanged, and a socket for its type receives it. A socket for all types also receives the outgoing
/// frame, marked as ours.
static void test_frames(void) {
  const uint16_t type = 0x88b5;  // for experiments (IEEE 802)
  int receiver = cl_frame_socket(loopback, type), all = cl_frame_socket(loopback, ETH_P_ALL);
  int other = cl_frame_socket(loopback, ETH_P_ARP), sender = cl_frame_socket(loopback, 0);
  CHECK(receiver >= 0 && all >= 0 && other >= 0 && sender >= 0);
  uint8_t frame[2 * room] = {[12] = 0x88, [13] = 0xb5, [14] = 'x'};
  int outgoing = -1, ours = 0;
  CHECK(send(sender, frame, 60, 0) == 60 && send(sender, frame, sizeof frame, 0) == sizeof frame);
  for (int i = 0; i < 6;) {
    int fd = i < 2 ? receiver : all;
    wait_for(fd);
    ptrdiff_t count = cl_frame_receive(fd, bytes, room, &outgoing);
    if (fd == all && memcmp(bytes + 12, frame + 12, 2) != 0) continue;  // from the kernel
    CHECK((count == 60 || count == sizeof frame) && memcmp(bytes, frame, 60) == 0);
    CHECK(fd == all || outgoing == 0);
    ours += outgoing;
    i++;
  }
  CHECK(ours == 2);
  const int silent[] = {receiver, other, sender};
  for (size_t i = 0; i < sizeof silent / sizeof *silent; i++) {
    CHECK(cl_frame_receive(silent[i], bytes, room, &outgoing) == -1 && errno == EAGAIN);
  }
  close(receiver);
  close(all);
  close(other);
  close(sender);
}

/// The kernel sends messages to the selected groups only.
static void test_route_socket(void) {
  int links = cl_route_socket(1), none = cl_route_socket(0);  // RTMGRP_LINK
  CHECK(links >= 0 && none >= 0);
  struct ifreq request = {.ifr_name = "lo"};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  CHECK(ioctl(fd, SIOCSIFFLAGS, &request) == 0);
  close(fd);
  CHECK(raise_loopback() == 0);
  wait_for(links);
  CHECK(recv(links, bytes, room, MSG_DONTWAIT) > 0);
  CHECK(recv(none, bytes, room, MSG_DONTWAIT) == -1 && errno == EAGAIN);
  close(links);
  close(none);
}

int main(void) {
  if (unshare(CLONE_NEWNET) != 0 || raise_loopback() != 0) {
    printf("raw-sockets: skipped, no network namespace can be made here (%s)\n", strerror(errno));
    return 0;
  }
  bytes = malloc(room);
  test_refusals();
  test_vrrp(4);
  test_vrrp(6);
  test_neighbours();
  test_frames();
  test_route_socket();
  free(bytes);
  puts("raw-sockets: ok");
}
