"""A shortage of source ports towards a server is local: no client is disconnected for it, and the address
stays."""

import threading

from harness.client import client_context, connect_tls
from harness.pair.balancer import Balancer
from harness.server import page
from harness.waiting import TIMEOUT, all_at_once, stays

PORTS = 40


def ask_together(clients):
    answers = all_at_once(lambda client: client.get("/"), clients)
    return [answer.status if answer else None for answer in answers]


def crowd(testbed, balancer, count):
    context = client_context(testbed.certificates.authority.certificate)
    return [connect_tls((balancer.node.address, Balancer.PORT), context, server_name="view.test") for _ in range(count)]


def narrow(testbed):
    """A node with few source ports, with one server that is checked frequently."""
    server = testbed.server()
    # A close_notify after our close would cause a reset, and then no port is in TIME_WAIT.
    server.answers_end = False
    node = testbed.node("lb1")
    node.run("sh", "-c", f"echo 40000 {40000 + PORTS - 1} >/proc/sys/net/ipv4/ip_local_port_range")
    return server, node


def test_waves_of_requests_do_not_exhaust_the_source_ports(testbed):
    server, node = narrow(testbed)
    gate = threading.Barrier(30)

    def script(request):
        gate.wait(TIMEOUT)
        page(request)

    server.script = script
    balancer = testbed.balancer(
        node, server, vrrp=[], pool={"idle-connections": 1}, timeouts={"keep-alive": "1m"},
        health={"interval": "200ms", "jitter": "0s", "fall": 2},
    )  # fmt: skip
    balancer.wait_for_log("server view01 is up")
    clients = crowd(testbed, balancer, gate.parties)
    try:
        # 150 requests, on 40 ports.
        for _ in range(5):
            assert ask_together(clients) == [200] * len(clients), balancer.log
    finally:
        for client in clients:
            client.close()
    assert "is down" not in balancer.log


def test_requests_wait_for_a_source_port_and_the_server_stays_up(testbed):
    server, node = narrow(testbed)
    release, full = threading.Event(), threading.Semaphore(0)

    def script(request):
        full.release()
        release.wait(TIMEOUT)
        page(request)

    server.script = script
    balancer = testbed.balancer(
        node, server, timeouts={"keep-alive": "1m"}, health={"interval": "200ms", "jitter": "0s", "fall": 2}
    ).wait_until("active")
    clients = crowd(testbed, balancer, PORTS + 10)
    answers = []
    asking = threading.Thread(target=lambda: answers.extend(ask_together(clients)))
    asking.start()
    try:
        # By then every port except those of checks is in use, and the first requests wait.
        balancer.wait_for_log("EADDRNOTAVAIL")
        # Time for several checks, which get no port either.
        stays(lambda: "is down" not in balancer.log, "up", 1)
        release.set()
        asking.join(TIMEOUT)
        assert answers == [200] * len(clients), balancer.log
    finally:
        release.set()
        for client in clients:
            client.close()
    assert "is down" not in balancer.log
    assert "was active" not in balancer.log and "priority 1," not in balancer.log
