"""Many requests, and none of them lost."""

import threading

import pytest


@pytest.mark.soak
def test_ten_thousand_requests_over_kept_alive_connections(testbed):
    servers = [testbed.nginx("view01"), testbed.nginx("view02")]
    balancer = testbed.balance(*servers)
    faults, done = [], []

    def client(number):
        try:
            with balancer.connect(source=f"127.0.7.{number + 1}") as stream:
                names = set()
                for _ in range(625):
                    answer = stream.get("/load")
                    assert answer and answer.status == 200, answer
                    names.add(answer.text)
                    done.append(1)
                assert len(names) == 1, f"one client on {names}"
        except Exception as fault:
            faults.append(f"client {number}: {fault!r}")

    threads = [threading.Thread(target=client, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults, faults
    assert len(done) == 10_000
