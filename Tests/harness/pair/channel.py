"""Nodes that know of each other (`pair`), behind a proxy that tells them of their clients."""

import secrets

from harness.client import client_context, connect_tls

from .balancer import Balancer
from .lan import Lan

PORT = 2358
NODES = {
    "IPv4": {"lb1": "192.0.2.11", "lb2": "192.0.2.12"},
    "IPv6": {"lb1": "2001:db8::11", "lb2": "2001:db8::12"},
}  # fmt: skip


def secret_file(directory):
    file = directory / "pair.key"
    file.write_text(secrets.token_hex(32) + "\n")
    file.chmod(0o640)
    return file


def settings(secret, family="IPv4"):
    """The settings of both nodes, which reach each other over this family."""
    return {
        "pair": {"nodes": NODES[family], "secret": str(secret)},
        "forwarded": {"trusted-proxies": [f"{Lan.CLIENT}/32"]},
        "health": {"interval": "200ms", "rise": 2, "fall": 2, "jitter": "0s"},
    }


def connection(testbed, address=None):
    """The proxy's connection to the virtual address, or to another one."""
    context = client_context(testbed.certificates.authority.certificate)
    return connect_tls((address or testbed.ADDRESS, Balancer.PORT), context, server_name="view.test")


def servers_of(testbed, sources, address=None):
    """The server that each of these clients is sent to."""

    def server_of(proxy, source):
        answer = proxy.get("/", f"X-Forwarded-For: {source}")
        assert answer.status == 200, answer.text
        return answer["X-Server"]

    with connection(testbed, address) as proxy:
        return {source: server_of(proxy, source) for source in sources}


def clients(balancer):
    """The number of entries for each server; a client that is known in several ways has one for each."""
    return {server["name"]: (server["load"] or {"clients": 0})["clients"] for server in balancer.status["servers"]}
