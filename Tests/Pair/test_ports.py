"""Source ports towards a server that have run out are this node's shortage: nobody is cut off for it, and the address
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
    """A node with few source ports, in front of one server that is checked all the time."""
    server = testbed.server()
    # A close_notify behind our own close would make the kernel answer with a reset, and no port would wait.
    server.answers_end = False
    node = testbed.node("lb1")
    node.run("sh", "-c", f"echo 40000 {40000 + PORTS - 1} >/proc/sys/net/ipv4/ip_local_port_range")
    return server, node


def test_waves_of_requests_do_not_use_the_source_ports_up(testbed):
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
        # Every port but those of checks is taken by then, and the first of the others wait.
        balancer.wait_for_log("EADDRNOTAVAIL")
        # Time for several checks, which find no port either.
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
