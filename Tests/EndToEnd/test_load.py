"""Many requests without a loss."""

import pytest
from harness.waiting import all_at_once


@pytest.mark.soak
def test_ten_thousand_requests_over_keep_alive_connections(testbed):
    servers = [testbed.nginx("view01"), testbed.nginx("view02")]
    balancer = testbed.balance(*servers)
    done = []

    def client(number):
        with balancer.connect(source=f"127.0.7.{number + 1}") as stream:
            names = set()
            for _ in range(625):
                answer = stream.get("/load")
                assert answer and answer.status == 200, answer
                names.add(answer.text)
                done.append(1)
            assert len(names) == 1, f"one client on {names}"

    all_at_once(client, range(16))
    assert len(done) == 10_000
