"""`belvedere maintenance on|off`: new requests of the whole service get a page with 503, what is in progress goes on."""

import os
import signal
import subprocess

import pytest
from harness.belvedere import endpoint_text
from harness.browser import Browser
from harness.client import connect_plain
from harness.server import Held
from harness.service import belvedere
from harness.view import pair, users_of
from harness.waiting import free_port, wait_until

HELD = "GET /held HTTP/1.1\r\nHost: view.test\r\n\r\n"


def maintenance(balancer, *words):
    run = balancer.call("maintenance", *words)
    assert run.returncode == 0, f"{run.stdout}{run.stderr}\n{balancer.log}"
    return run.stdout.rstrip("\n")


def assert_maintained(answer):
    assert answer.status == 503, answer.text
    assert answer["Retry-After"] == "300" and answer["Cache-Control"] == "no-store"
    assert answer["Content-Type"].startswith("text/html") and "maintenance" in answer.text


def test_new_requests_get_the_page_and_tunnels_go_on(testbed):
    balancer = pair(testbed)
    users = [user for some in users_of(balancer, count=8).values() for user in some]
    before = [len(server.requests) for server in testbed.servers]
    assert maintenance(balancer, "on") == "service: maintenance on"
    for user in users:
        # On the kept connection of the user's pages, and on a new one.
        assert_maintained(user.pages.get("/whoami"))
        assert_maintained(balancer.get("/whoami", source=user.source))
        user.tunnel.say()
    assert [len(server.requests) for server in testbed.servers] == before
    balancer.wait_for_access(r" https~ https/<NOSRV> .* 503 .* LR-- ", count=2 * len(users))
    assert [state["service"] for state in balancer.status["maintenance"]] == [""]
    assert "in maintenance for" in balancer.call("status").stdout
    assert {server["state"] for server in balancer.status["servers"]} == {"up"}
    balancer.wait_for_log(r"service: maintenance on, requested by pid \d+, uid 0")
    assert maintenance(balancer, "off") == "service: maintenance off"
    for user in users:
        assert balancer.server_of(user.source) == user.server
        user.tunnel.say()
    assert balancer.status["maintenance"] == []
    for user in users:
        user.leave()


def test_requests_in_progress_and_in_a_queue_are_completed(testbed):
    held = Held()
    balancer = testbed.balance(testbed.server(script=held), server_changes={"view01": {"connections": 1}})
    first, second = balancer.connect("127.0.91.1"), balancer.connect("127.0.91.2")
    first.send(HELD)
    assert held.arrived.wait(20)
    second.send(HELD)
    wait_until(lambda: balancer.load_of("view01")["waiting"] == 1, "a queued request")
    maintenance(balancer, "on")
    held.released.set()
    assert [client.answer().status for client in (first, second)] == [200, 200]
    assert_maintained(first.get("/"))


def test_page_is_a_file_that_check_reads(testbed, tmp_path):
    page = tmp_path / "maintenance.html"
    balancer = testbed.balance(testbed.server(), errors={"maintenance": str(page)}, start=False)
    balancer.write()
    assert f"{page}" in belvedere("check", "-c", balancer.file).stderr
    page.write_text("<h1>Back at eight, after maintenance</h1>\n")
    assert belvedere("check", "-c", balancer.file).returncode == 0
    balancer.start().wait_until_serving()
    maintenance(balancer, "on")
    answer = balancer.get("/")
    assert_maintained(answer)
    assert answer.text == page.read_text()
    with balancer.connect() as client:
        client.send("HEAD / HTTP/1.1\r\nHost: view.test\r\n\r\n")
        head = client.answer("HEAD")
        assert head.status == 503 and int(head["Content-Length"]) == len(answer.text)
        assert client.receive_to_end() == b""
    page.write_text("x" * 16385)
    refused = balancer.call("reload")
    assert refused.returncode == 1 and f"{page}: is larger than 16 KiB" in refused.stderr
    # Other answers with 503 have their own page.
    maintenance(balancer, "off")
    testbed.servers[0].die()
    wait_until(lambda: balancer.get("/").status == 503, "the end of the server")
    assert balancer.get("/").text == "503 Service Unavailable\n"


def test_curl_gets_the_page_whatever_it_sends(testbed, certificates, tmp_path):
    balancer = testbed.balance(testbed.server())
    maintenance(balancer, "on")

    def curl(*options):
        place = f"view.test:443:{balancer.address}:{balancer.port}"
        words = ["curl", "-s", "--cacert", certificates.authority.certificate, "--connect-to", place, "-i", "-w", "\n%{http_code}", *options]
        return subprocess.run([*words, "https://view.test/portal/"], capture_output=True, text=True, timeout=60).stdout

    large = tmp_path / "large"
    large.write_bytes(b"x" * 3_000_000)
    for options in ([], ["-d", "x=1"], ["-T", large], ["--http1.0"], ["--compressed"]):
        answer = curl(*options)
        assert answer.endswith("\n503") and "Retry-After: 300" in answer and "maintenance" in answer, (options, answer)
    assert curl("-I").endswith("\n503")
    maintenance(balancer, "off")
    assert curl().endswith("\n200")


@pytest.mark.once
def test_browser_shows_the_page_until_the_portal_is_back(testbed, tmp_path):
    page = tmp_path / "maintenance.html"
    page.write_text("<title>Maintenance</title><style>h1 { color: rgb(1, 2, 3) }</style><h1>Zurück um acht</h1>\n")
    balancer = testbed.balance(testbed.server(), errors={"maintenance": str(page)})
    name = f"view.test:{balancer.port}"
    place = f"--host-resolver-rules=MAP view.test {balancer.address}"
    browser = Browser(tmp_path, place, "--ignore-certificate-errors")
    try:
        browser.open(f"https://{name}/portal/")
        browser.wait_for("document.body.innerText.trim() == 'view01'")
        for on, heading in ("on", "Zurück um acht"), ("off", None), ("on", "Zurück um acht"):
            maintenance(balancer, on)
            browser.call("Page.reload")
            if heading:
                browser.wait_for(f"document.querySelector('h1')?.innerText == {heading!r}")
                assert browser.value("document.title") == "Maintenance"
                assert browser.value("getComputedStyle(document.querySelector('h1')).color") == "rgb(1, 2, 3)"
            else:
                # It is not kept by the browser.
                browser.wait_for("document.body.innerText.trim() == 'view01'")
    finally:
        browser.close()


def test_maintenance_survives_reloads_the_death_of_the_worker_and_a_restart(testbed):
    balancer = pair(testbed, server_state_file=str(testbed.directory / "state"))
    maintenance(balancer, "on")
    balancer.reload({"retries": 2})
    assert_maintained(balancer.get("/"))
    worker = balancer.worker
    os.kill(worker, signal.SIGKILL)
    balancer.wait_for_another_worker(worker)
    assert_maintained(balancer.get("/"))
    balancer.stop()
    balancer.start()
    balancer.wait_for_log("worker is ready", since=balancer._began)
    assert_maintained(balancer.get("/"))
    assert "service: maintenance on, restored after a restart" in balancer.log
    maintenance(balancer, "off")
    balancer.restart()
    assert balancer.get("/").status == 200


def test_relayed_connections_are_closed_and_redirects_go_on(testbed):
    server = testbed.server()
    balancer = testbed.balance(server, start=False)
    port = free_port(balancer.address)
    balancer.write({"relay": {"tcp": [port]}}).start().wait_until_serving()
    maintenance(balancer, "on")
    with connect_plain((balancer.address, port)) as client:
        assert client.receive_to_end() == b""
    with balancer.connect_redirect() as client:
        assert client.get("/").status == 301
    balancer.wait_for_access(" relay .* LR-- ")


def test_each_of_several_services_has_its_own_maintenance(testbed, certificates):
    front = certificates.front
    servers = [testbed.server(name) for name in ("first", "second")]
    nothing = dict.fromkeys(["service", "tls", "servers", "health", "listen", "redirect", "timeouts"])
    balancer = testbed.balance(start=False, **nothing)
    cards_port = free_port(balancer.address)

    def service(server, name, port, **changes):
        trust = {"ca": str(certificates.authority.certificate)}
        entry = {"address": server.address, "port": server.port, "trust": trust}
        listen = endpoint_text(balancer.address, port)
        return {"service": name, "listen": listen, "redirect": "off", "servers": {"view01": entry}} | changes

    view = service(servers[0], "view.test", balancer.port, tls={"certificate": str(front.chain), "key": str(front.key)})
    cards = service(servers[1], "cards.test", cards_port, mode="passthrough")
    balancer.write({"services": {"view": view, "cards": cards}}).start()
    balancer.wait_for_log("worker is ready")
    refused = balancer.call("maintenance", "on")
    assert refused.returncode == 1 and "there are several services, name one: view, cards" in refused.stderr
    refused = balancer.call("maintenance", "on", "--service", "card")
    assert refused.returncode == 1 and "no service `card`. Did you mean `cards`?" in refused.stderr
    assert maintenance(balancer, "on", "--service", "cards") == "service cards: maintenance on"
    assert balancer.get("/").status == 200
    with connect_plain((balancer.address, cards_port)) as client:
        client.send(b"\x16\x03\x01")
        assert client.receive_to_end() == b""
    balancer.write({"services": {"cards": None, "smart": cards}})
    assert balancer.call("reload").returncode == 0
    balancer.wait_for_log("service cards is called smart now, and keeps maintenance on")
    assert [state["service"] for state in balancer.status["maintenance"]] == ["smart"]
    with connect_plain((balancer.address, cards_port)) as client:
        client.send(b"\x16\x03\x01")
        assert client.receive_to_end() == b""
    # It ends with the service.
    balancer.write({"services": {"smart": None}})
    reloaded = balancer.call("reload")
    assert reloaded.returncode == 0
    assert "service smart is not configured any more, and its maintenance has ended" in reloaded.stderr
    assert balancer.status["maintenance"] == []


@pytest.fixture
def nodes(testbed, tmp_path):
    """Two nodes of a pair."""
    secret = tmp_path / "pair.key"
    assert belvedere("pair", "new-secret", secret).returncode == 0
    server = testbed.server("view01")
    nodes = [testbed.balance(server, start=False) for _ in range(2)]
    addresses = dict(zip("ab", (node.address for node in nodes)))
    port = free_port(nodes[0].address)
    for name, node in zip("ab", nodes):
        node.write({"pair": {"nodes": addresses, "node": name, "secret": str(secret), "port": port}})
        node.start().wait_until_serving()
    for other, node in zip("ba", nodes):
        node.wait_for_log(rf"pair: {other} has joined")
    return nodes


def test_maintenance_counts_on_both_nodes_of_a_pair_and_the_later_command_wins(nodes):
    first, second = nodes
    maintenance(first, "on")
    second.wait_for_log("service: maintenance on, requested on a")
    wait_until(lambda: second.get("/").status == 503, "maintenance on the second node")
    assert second.status["maintenance"][0]["node"] == "a"
    maintenance(second, "off")
    first.wait_for_log("service: maintenance off, requested on b")
    wait_until(lambda: first.get("/").status == 200, "the end of maintenance on the first node")
    # A node that starts learns it from the other one.
    second.stop()
    maintenance(first, "on")
    second.start()
    second.wait_for_log("service: maintenance on, requested on a", since=second._began)
    wait_until(lambda: second.get("/").status == 503, "maintenance after the start")
