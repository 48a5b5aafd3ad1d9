"""Rates of clients, and what the balancer counts of them."""

from .waiting import wait_until

ONE, OTHER, PROXY = "127.0.71.1", "127.0.72.1", "127.0.73.1"
# The harness asks from its own address until the service serves.
ITSELF = "127.0.0.1"


def rates(**changes):
    return {"rates": {"except": [ITSELF]} | changes}


def limits(balancer):
    return balancer.status["counters"]["limits"]


def wait_for_limits(balancer, **expected):
    def agree():
        return all(limits(balancer)[name] == count for name, count in expected.items())

    wait_until(agree, lambda: f"{expected}: {limits(balancer)}")


def is_closed(client):
    """Whether the other end closes without a byte."""
    with client:
        return client.receive_to_end() == b""
