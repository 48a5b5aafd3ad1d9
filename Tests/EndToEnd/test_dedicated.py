"""Names and ports of single servers (`servers.NAME.names`, `ports`): requests to these go there, whatever cookie and
address say."""

import re
import subprocess

import pytest
from harness.client import connect_plain, connect_tls
from harness.service import belvedere
from harness.view import Tunnel, view
from harness.waiting import client_addresses, free_port, wait_until

QUICK = {"interval": "200ms", "rise": 2, "fall": 2, "jitter": "0s"}
NAMES = {"view01": ["view01.test", "first.test"], "view02": ["view02.test"]}


@pytest.fixture(scope="session")
def broad(certificates):
    """A certificate with the names of the service and of its servers."""
    return certificates.authority.issue("view.test", names=["view.test", "first.test", "view01.test", "view02.test"])


def tls(*pairs):
    return {"certificates": [{"certificate": str(p.chain), "key": str(p.key)} for p in pairs], "certificate": None, "key": None}


def pair(testbed, certificate, **options):
    """Two servers with names."""
    servers = {name: testbed.server(name, script=view) for name in NAMES}
    changes = {name: {"names": names} for name, names in NAMES.items()}
    options = {"tls": tls(certificate), "timeouts": {"keep-alive": "1m"}, "health": QUICK} | options
    return servers, testbed.balance(*servers.values(), server_changes=changes, **options)


def server_of(balancer, host, *fields, source=None):
    answer = balancer.get("/whoami", *fields, source=source, host=host)
    return answer["X-Server"] if answer.status == 200 else answer.status


def test_requests_for_a_servers_name_reach_that_server(testbed, broad):
    _, balancer = pair(testbed, broad)
    rows = [
        ("view01.test", "view01"), ("VIEW01.Test", "view01"), ("view01.test.", "view01"), ("view01.test:443", "view01"),
        ("first.test.:8443", "view01"), ("view02.test", "view02"), ("unknown.test", 421), ("view01", 421),
    ]  # fmt: skip
    for source in client_addresses(4):
        assert [server_of(balancer, host, source=source) for host, _ in rows] == [expected for _, expected in rows]
    # These requests assign no client: the later count has the clients of the service's name, and perhaps
    # the client that waited for the start.
    others = client_addresses(5, start=500)
    balancer.servers_of(others)

    def remembered():
        return sum(balancer.load_of(name)["clients"] for name in NAMES)

    wait_until(lambda: remembered() >= len(others), remembered)
    assert remembered() <= len(others) + 1


def test_curl_reaches_the_server_by_name(testbed, broad, certificates):
    _, balancer = pair(testbed, broad)
    for name in ("view01", "view02"):
        run = subprocess.run(
            ["curl", "-sS", "-D", "-", "--cacert", certificates.authority.certificate, "--resolve",
             f"{name}.test:{balancer.port}:{balancer.address}", f"https://{name}.test:{balancer.port}/whoami"],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert f"x-server: {name}" in run.stdout.lower(), run.stdout + run.stderr


def test_requests_on_one_connection_alternate_between_the_service_and_a_server(testbed, broad):
    _, balancer = pair(testbed, broad)
    for source in client_addresses(6):
        with balancer.connect(source) as client:
            home = client.get("/whoami")["X-Server"]
            for _ in range(3):
                for host, expected in (("view01.test", "view01"), ("view.test", home), ("view02.test", "view02")):
                    assert client.get("/whoami", host=host)["X-Server"] == expected
        assert balancer.server_of(source) == home


def test_cookie_of_another_server_is_ignored(testbed, broad):
    servers, balancer = pair(testbed, broad, affinity={"by": ["cookie JSESSIONID", "client-address"]})

    def login(request):
        request.body()
        name = request.server.name
        request.respond(200, name, f"X-Server: {name}", f"Set-Cookie: JSESSIONID={name}; Path=/")

    for server in servers.values():
        server.script = login
    # Sessions of both servers, learned from requests to the service's name.
    for source in client_addresses(12):
        balancer.get("/broker/xml", source=source)
    for cookie in NAMES:
        assert server_of(balancer, "view.test", f"Cookie: JSESSIONID={cookie}") == cookie
        assert server_of(balancer, "view01.test", f"Cookie: JSESSIONID={cookie}") == "view01"
        assert server_of(balancer, "view02.test", f"Cookie: JSESSIONID={cookie}") == "view02"
        assert server_of(balancer, "view.test", f"Cookie: JSESSIONID={cookie}") == cookie


def test_unavailable_server_is_503_for_its_own_name_only(testbed, broad):
    servers, balancer = pair(testbed, broad)
    source = client_addresses(1)[0]
    servers["view01"].die()
    balancer.wait_for_state("view01", "down")
    count = len(servers["view02"].requests)
    for _ in range(3):
        assert server_of(balancer, "view01.test", source=source) == 503
    assert len(servers["view02"].requests) == count
    assert server_of(balancer, "view02.test", source=source) == "view02"
    assert balancer.server_of(source) == "view02"
    # The log line has the dedicated server, and no other was tried.
    line = balancer.wait_for_access(" 503 ")[0]
    assert " servers/view01 " in line and " SC-- " in line and line.split('"')[0].split()[-2].endswith("/0"), line
    servers["view01"].start()
    balancer.wait_for_state("view01", "up")
    assert server_of(balancer, "view01.test", source=source) == "view01"
    balancer.server("view01", "maintenance")
    assert server_of(balancer, "view01.test", source=source) == 503
    balancer.server("view01", "ready")
    wait_until(lambda: server_of(balancer, "view01.test", source=source) == "view01", "the server back")


def test_drained_server_is_reachable_by_its_name(testbed, broad):
    _, balancer = pair(testbed, broad)
    balancer.server("view01", "drain")
    for source in client_addresses(8):
        assert balancer.server_of(source) == "view02"
        assert server_of(balancer, "view01.test", source=source) == "view01"
        assert balancer.server_of(source) == "view02"


def test_reload_changes_names_without_closing_connections(testbed, broad):
    _, balancer = pair(testbed, broad)
    tunnel = Tunnel(balancer.connect(), host="first.test")
    with balancer.connect() as client:
        assert client.get("/whoami", host="first.test")["X-Server"] == "view01"
        balancer.configuration["servers"]["view01"]["names"] = ["view01.test"]
        balancer.configuration["servers"]["view02"]["names"] = ["view02.test", "first.test"]
        balancer.reload()
        assert client.get("/whoami", host="first.test")["X-Server"] == "view02"
        assert balancer.status_of("view02")["names"] == ["view02.test", "first.test"]
        for server in balancer.configuration["servers"].values():
            server.pop("names")
        balancer.reload({"requests": {"hosts": ["another.test"]}})
        # The certificate still has the name: it is an ordinary name of the service.
        assert client.get("/whoami", host="first.test")["X-Server"] == client.get("/whoami")["X-Server"]
        balancer.configuration["servers"]["view02"]["names"] = ["new.test"]
        balancer.reload()
        assert client.get("/whoami", host="new.test")["X-Server"] == "view02"
    tunnel.say()
    tunnel.end()


def test_name_is_served_with_its_own_certificate(testbed, certificates):
    """As with any name of the service."""
    first = certificates.authority.issue("view01.test")
    _, balancer = pair(testbed, certificates.front, tls=tls(certificates.front, first))
    context = balancer.context()
    context.check_hostname = False
    for shown, host, expected in [
        ("view01.test", "view01.test", "view01"), ("view.test", "view01.test", None), ("view01.test", "view.test", None),
        ("view.test", "view02.test", "view02"), ("view01.test", "view02.test", "view02"),
    ]:  # fmt: skip
        with balancer.connect(context=context, server_name=shown) as client:
            answer = client.get("/whoami", host=host)
            assert (answer.status, answer["X-Server"]) == ((200, expected) if expected else (421, None)), (shown, host)


def test_server_names_work_with_any_host_and_trusted_proxies(testbed, certificates):
    for changes in ({"requests": {"hosts": "any"}}, {"forwarded": {"trusted-proxies": ["127.0.0.0/8"]}}):
        _, balancer = pair(testbed, certificates.front, **changes)
        assert [server_of(balancer, host) for host in ("view01.test", "view02.test")] == ["view01", "view02"]
        assert server_of(balancer, "unknown.test") in NAMES


def test_redirect_keeps_the_name_of_a_server(testbed, broad):
    _, balancer = pair(testbed, broad)
    for host, expected in (("view02.test", "view02.test"), ("First.test.:80", "first.test"), ("unknown.test", "view.test")):
        with balancer.connect_redirect() as client:
            assert client.get("/x", host=host)["Location"] == f"https://{expected}:{balancer.port}/x"


def test_check_lists_names_without_a_certificate(testbed, certificates):
    front = certificates.front
    _, balancer = pair(testbed, front, start=False)
    run = belvedere("check", "-c", balancer.write().file)
    assert run.returncode == 0
    assert f"{front.chain}: no certificate is for view01.test, first.test (`names` of server view01)" in run.stderr
    assert "(`names` of server view02)" in run.stderr
    assert "named view01.test, first.test" in run.stdout


# Ports


def ported(testbed, **options):
    """Two servers with a port each; the balancer, its servers and the ports by server."""
    servers = {name: testbed.server(name, script=view) for name in NAMES}
    balancer = testbed.balance(*servers.values(), start=False, health=QUICK, timeouts={"keep-alive": "1m"}, **options)
    ports = {}
    for name in servers:
        ports[name] = free_port(balancer.address)
        balancer.configuration["servers"][name]["ports"] = [ports[name]]
    balancer.start()
    for name in servers:
        balancer.wait_for_state(name, "up")
    return balancer, servers, ports


@pytest.fixture(params=["http", "passthrough"])
def mode(request):
    return {} if request.param == "http" else {"mode": "passthrough", "tls": None}


def connect(balancer, port, source=None):
    return connect_tls((balancer.address, port), balancer.context(), source=source)


def behind(balancer, port, source=None):
    with connect(balancer, port, source) as client:
        return client.get("/whoami")["X-Server"]


def test_requests_at_a_servers_port_reach_that_server(testbed, mode):
    balancer, servers, ports = ported(testbed, **mode)
    sources = client_addresses(6)
    homes = balancer.servers_of(sources)
    for source in sources:
        assert [behind(balancer, ports[name], source) for name in NAMES] == list(NAMES)
    assert balancer.servers_of(sources) == homes
    assert [balancer.status_of(name)["ports"] for name in NAMES] == [[ports[name]] for name in NAMES]


def test_port_of_an_unavailable_server_leads_to_no_other_server(testbed, mode):
    balancer, servers, ports = ported(testbed, **mode)
    servers["view01"].die()
    balancer.wait_for_state("view01", "down")
    count = servers["view02"].accepted
    if mode:
        with connect_plain((balancer.address, ports["view01"])) as client:
            client.send("hello")
            client.receive_to_end()
            assert not client.received
        balancer.wait_for_access(" passthrough servers/view01 .* SC-- ")
    else:
        with connect(balancer, ports["view01"]) as client:
            assert client.get("/whoami").status == 503
    assert behind(balancer, ports["view02"]) == "view02"
    assert [r.target for r in servers["view02"].requests].count("/whoami") == 1 and servers["view02"].accepted > count
    servers["view01"].start()
    balancer.wait_for_state("view01", "up")
    assert behind(balancer, ports["view01"]) == "view01"


def test_openssl_reaches_the_server_of_the_port(testbed, certificates):
    """In pass-through mode the client gets the server's own certificate."""
    servers = {
        "view01": testbed.server("view01", script=view),
        "view02": testbed.server("view02", certificate=certificates.second, script=view),
    }
    balancer = testbed.balance(*servers.values(), start=False, mode="passthrough", tls=None, health=QUICK)
    port = free_port(balancer.address)
    balancer.configuration["servers"]["view02"]["ports"] = port
    balancer.start()
    for name in servers:
        balancer.wait_for_state(name, "up")
    for _ in range(3):
        run = subprocess.run(
            ["openssl", "s_client", "-connect", f"{balancer.address}:{port}", "-servername", "view.test"],
            input="", capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert re.search(r"subject=.*other\.test", run.stdout), run.stdout + run.stderr


def test_reload_changes_ports_without_closing_connections(testbed, mode):
    balancer, _, ports = ported(testbed, **mode)
    first, second = ports.values()
    running = Tunnel(connect(balancer, first))
    servers = balancer.configuration["servers"]
    servers["view01"]["ports"], servers["view02"]["ports"] = [second], [first]
    balancer.reload()
    assert [behind(balancer, port) for port in (first, second)] == ["view02", "view01"]
    third = free_port(balancer.address)
    servers["view01"]["ports"], servers["view02"]["ports"] = [second], [third]
    with connect(balancer, first) as kept:
        assert kept.get("/whoami")["X-Server"] == "view02"
        balancer.reload()
        assert [behind(balancer, port) for port in (second, third)] == ["view01", "view02"]
        for _ in range(8):
            with pytest.raises(ConnectionRefusedError):
                connect(balancer, first)
        assert kept.get("/whoami").status == 200
    running.say()
    running.end()


def test_check_refuses_an_ambiguous_port(testbed, certificates):
    balancer, _, ports = ported(testbed)
    for port in (balancer.port, balancer.redirect_port, ports["view02"]):
        balancer.configuration["servers"]["view01"]["ports"] = [port]
        run = belvedere("check", "-c", balancer.write().file)
        assert run.returncode == 1 and re.search(rf"belvedere.yaml:\d+:\d+: error: `{port}` belongs to", run.stderr)
        assert balancer.call("reload").returncode == 1
    balancer.configuration["servers"]["view01"]["ports"] = [ports["view01"]]
    run = belvedere("check", "-c", balancer.write().file)
    assert run.returncode == 0 and f"ports {ports['view01']}" in run.stdout
