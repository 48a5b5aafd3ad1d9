#!/bin/sh
# The incoming traffic that a balancer of a pair needs, for a machine with iptables. The addresses are those of the
# guide: lb1 is 192.168.1.162, lb2 is 192.168.1.163.
set -e

# Clients.
iptables -A INPUT -p tcp -m multiport --dports 80,443 -j ACCEPT
# With `relay`, and likewise for `servers.NAME.ports`:
# iptables -A INPUT -p tcp -m multiport --dports 8443,4172 -j ACCEPT
# iptables -A INPUT -p udp -m multiport --dports 8443,4172 -j ACCEPT

# VRRP (protocol 112), only from the other balancer, to 224.0.0.18 or unicast.
for balancer in 192.168.1.162 192.168.1.163; do
	iptables -A INPUT -p 112 -s "$balancer" -j ACCEPT
done
iptables -A INPUT -p 112 -j DROP
