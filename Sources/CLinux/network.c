#define _GNU_SOURCE 1
#include "include/network.h"
#include "addresses.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip6.h>
#include <netpacket/packet.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { vrrp_protocol = 112, vrrp_hop_limit = 255, internetwork_control = 0xc0 };

static int fail(int fd) {
  int code = errno;
  close(fd);
  errno = code;
  return -1;
}

static int set(int fd, int level, int name, int value) { return setsockopt(fd, level, name, &value, sizeof value); }

static int bind_to_interface(int fd, const char *interface) {
  return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface) + 1);
}

int cl_vrrp_socket(int family, const char *interface) {
  int type = SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC;
  int fd = socket(family == 4 ? AF_INET : AF_INET6, type, vrrp_protocol);
  if (fd < 0) return -1;
  int failed = bind_to_interface(fd, interface);
  if (family == 4) {
    failed |= set(fd, IPPROTO_IP, IP_TTL, vrrp_hop_limit);
    failed |= set(fd, IPPROTO_IP, IP_MULTICAST_TTL, vrrp_hop_limit);
    failed |= set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
    // Receives only groups joined here, not those of other sockets on the machine. (IPv6 raw sockets receive every
    // group of the machine; the channel discards other groups' packets.)
    failed |= set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
    failed |= set(fd, IPPROTO_IP, IP_TOS, internetwork_control);
    failed |= set(fd, IPPROTO_IP, IP_PKTINFO, 1);
  } else {
    failed |= set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, vrrp_hop_limit);
    failed |= set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, vrrp_hop_limit);
    failed |= set(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0);
    failed |= set(fd, IPPROTO_IPV6, IPV6_TCLASS, internetwork_control);
    failed |= set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    failed |= set(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
  }
  // Priority over other traffic, where the interface supports priorities (TC_PRIO_CONTROL). IP_TOS resets it, so it is
  // set last.
  failed |= set(fd, SOL_SOCKET, SO_PRIORITY, 7);
  return failed ? fail(fd) : fd;
}

static struct in6_addr in6(uint64_t high, uint64_t low) {
  struct in6_addr address;
  cl_store64(address.s6_addr, high);
  cl_store64(address.s6_addr + 8, low);
  return address;
}

static struct cl_address from_in(struct in_addr address) {
  return (struct cl_address){.family = 4, .low = ntohl(address.s_addr)};
}

int cl_vrrp_join(int fd, int family, int interface, uint64_t high, uint64_t low) {
  if (family == 4) {
    struct ip_mreqn request = {.imr_multiaddr.s_addr = htonl((uint32_t)low), .imr_ifindex = interface};
    if (setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request) != 0) return -1;
    return setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request);
  }
  struct ipv6_mreq request = {.ipv6mr_multiaddr = in6(high, low), .ipv6mr_interface = (unsigned)interface};
  if (setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof request) != 0) return -1;
  return set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, interface);
}

ptrdiff_t cl_raw_receive(int fd, void *bytes, size_t room, struct cl_arrival *arrival) {
  struct sockaddr_storage source = {0};
  struct iovec vector = {.iov_base = bytes, .iov_len = room};
  _Alignas(struct cmsghdr) char control[256];
  struct msghdr message = {.msg_name = &source, .msg_namelen = sizeof source, .msg_iov = &vector, .msg_iovlen = 1,
                           .msg_control = control, .msg_controllen = sizeof control};
  ssize_t count = recvmsg(fd, &message, MSG_DONTWAIT | MSG_TRUNC);
  if (count < 0) return count;
  *arrival = (struct cl_arrival){.hop_limit = -1, .interface = -1};
  if (source.ss_family == AF_INET) arrival->source = from_in(((struct sockaddr_in *)&source)->sin_addr);
  if (source.ss_family == AF_INET6) arrival->source = cl_from_in6(&((struct sockaddr_in6 *)&source)->sin6_addr);
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
      struct in_pktinfo information;
      memcpy(&information, CMSG_DATA(header), sizeof information);
      arrival->destination = from_in(information.ipi_addr);
      arrival->interface = information.ipi_ifindex;
    } else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
      struct in6_pktinfo information;
      memcpy(&information, CMSG_DATA(header), sizeof information);
      arrival->destination = cl_from_in6(&information.ipi6_addr);
      arrival->interface = (int)information.ipi6_ifindex;
    } else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_HOPLIMIT) {
      memcpy(&arrival->hop_limit, CMSG_DATA(header), sizeof arrival->hop_limit);
    }
  }
  return count;
}

ptrdiff_t cl_raw_send(int fd, const void *bytes, size_t count, int interface, const struct cl_address *source,
                      const struct cl_address *destination) {
  int is4 = destination->family == 4;
  struct iovec vector = {.iov_base = (void *)bytes, .iov_len = count};
  struct sockaddr_in to4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl((uint32_t)destination->low)};
  struct sockaddr_in6 to6 = {.sin6_family = AF_INET6,
                             .sin6_addr = in6(destination->high, destination->low),
                             .sin6_scope_id = (uint32_t)interface};
  struct in_pktinfo from4 = {.ipi_ifindex = interface, .ipi_spec_dst.s_addr = htonl((uint32_t)source->low)};
  struct in6_pktinfo from6 = {.ipi6_addr = in6(source->high, source->low), .ipi6_ifindex = (unsigned)interface};
  size_t size = is4 ? sizeof from4 : sizeof from6;
  _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof from6)] = {0};
  struct msghdr message = {.msg_name = is4 ? (void *)&to4 : &to6, .msg_namelen = is4 ? sizeof to4 : sizeof to6,
                           .msg_iov = &vector, .msg_iovlen = 1,
                           .msg_control = control, .msg_controllen = CMSG_SPACE(size)};
  struct cmsghdr *header = (struct cmsghdr *)control;
  header->cmsg_level = is4 ? IPPROTO_IP : IPPROTO_IPV6;
  header->cmsg_type = is4 ? IP_PKTINFO : IPV6_PKTINFO;
  header->cmsg_len = CMSG_LEN(size);
  memcpy(CMSG_DATA(header), is4 ? (void *)&from4 : &from6, size);
  return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int cl_neighbour_socket(const char *interface) {
  int fd = socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6);
  if (fd < 0) return -1;
  struct icmp6_filter filter;
  ICMP6_FILTER_SETBLOCKALL(&filter);
  ICMP6_FILTER_SETPASS(ND_NEIGHBOR_ADVERT, &filter);
  int failed = bind_to_interface(fd, interface);
  failed |= setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter);
  failed |= set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  failed |= set(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
  return failed ? fail(fd) : fd;
}

int cl_frame_socket(int interface, uint16_t ether_type) {
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET, .sll_protocol = htons(ether_type), .sll_ifindex = interface};
  return bind(fd, (struct sockaddr *)&address, sizeof address) == 0 ? fd : fail(fd);
}

ptrdiff_t cl_frame_receive(int fd, void *bytes, size_t room, int *outgoing) {
  struct sockaddr_ll from = {0};
  socklen_t length = sizeof from;
  ssize_t count = recvfrom(fd, bytes, room, MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from, &length);
  *outgoing = from.sll_pkttype == PACKET_OUTGOING;
  return count;
}

int cl_route_socket(uint32_t groups) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return -1;
  // Strict checking of requests, and error messages from the kernel.
  set(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
  return bind(fd, (struct sockaddr *)&address, sizeof address) == 0 ? fd : fail(fd);
}

// glibc has it since 2.35; this binary must start on 2.34.
int cl_epoll_wait_nanoseconds(int epoll, void *events, int room, int64_t nanoseconds) {
  struct timespec timeout = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
  long count = syscall(SYS_epoll_pwait2, epoll, events, room, nanoseconds < 0 ? NULL : &timeout, NULL, 0);
  if (count >= 0 || errno != ENOSYS) return (int)count;
  // Linux before 5.11: whole milliseconds, rounded up.
  int64_t milliseconds = nanoseconds / 1000000 + (nanoseconds % 1000000 > 0);
  return epoll_wait(epoll, events, room, nanoseconds < 0 ? -1 : (int)(milliseconds > 1000000 ? 1000000 : milliseconds));
}

int cl_schedule_realtime(void) {
  struct sched_param parameters = {.sched_priority = 1};
  return sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &parameters);
}

int cl_is_realtime(void) {
  int policy = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
  return policy == SCHED_RR || policy == SCHED_FIFO;
}

int cl_nice(void) { return getpriority(PRIO_PROCESS, 0); }

int cl_schedule_sooner(int nice) {
  struct sched_param parameters = {.sched_priority = 0};
  if (setpriority(PRIO_PROCESS, 0, nice) != 0) return -1;
  return sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &parameters);
}
