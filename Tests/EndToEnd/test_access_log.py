"""The access log: one line per request, in HAProxy's format or as JSON."""

import json
import re
import threading

import pytest
from harness.server import Held, page
from harness.view import UPGRADE, echo_stream
from harness.waiting import wait_until

HOST = "Host: view.test\r\n"

# As in HAProxy's manual, section 8.2.3.
HTTPLOG = re.compile(
    r"^(?P<client_ip>[0-9a-fA-F.:]+):(?P<client_port>\d+) "
    r"\[(?P<date>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d\.\d{3})\] "
    r"(?P<frontend>[^ ]+) (?P<backend>[^ /]+)/(?P<server>[^ ]+) "
    r"(?P<TR>-1|\d+)/(?P<Tw>-1|\d+)/(?P<Tc>-1|\d+)/(?P<Tr>-1|\d+)/(?P<Ta>\+?\d+) "
    r"(?P<status>-1|\d{3}) (?P<bytes>\+?\d+) (?P<request_cookie>[^ ]+) (?P<response_cookie>[^ ]+) "
    r"(?P<state>[-A-Za-z]{4}) "
    r"(?P<actconn>\d+)/(?P<feconn>\d+)/(?P<beconn>\d+)/(?P<srv_conn>\d+)/(?P<retries>\+?\d+) "
    r"(?P<srv_queue>\d+)/(?P<backend_queue>\d+) "
    r'(\{[^}]*\} )?(\{[^}]*\} )?"(?P<request>[^"]*)"$'
)


@pytest.fixture(scope="module")
def balanced(shared_testbed):
    server = shared_testbed.server()
    return shared_testbed.balance(server, timeouts={"server": "1s", "http-request": "1s", "client": "5s"}), server


def entry(balancer, target):
    line = balancer.wait_for_access(re.escape(target))[0]
    match = HTTPLOG.match(line)
    assert match, line
    return match.groupdict()


def test_line_has_the_format_of_haproxy(balanced):
    balancer, _ = balanced
    assert balancer.get("/log/plain?x=y", source="127.0.83.1").status == 200
    line = entry(balancer, "/log/plain")
    assert line["client_ip"] == "127.0.83.1"
    assert line["server"] == "view01" and line["frontend"].endswith("~")
    assert line["status"] == "200" and line["state"] == "----" and line["retries"] == "0"
    assert re.fullmatch(r"GET /log/plain\?x=~[0-9a-f]{8} HTTP/1\.1", line["request"])
    assert line["backend"] == "servers"
    assert int(line["bytes"]) > 6
    assert all(int(line[timer]) >= 0 for timer in ("TR", "Tw", "Tc", "Tr", "Ta"))


def test_timers_have_the_time_of_each_phase(balanced):
    balancer, server = balanced

    def script(request):
        threading.Event().wait(0.15)
        request.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        threading.Event().wait(0.15)
        request.send("ok")

    server.script = script
    assert balancer.get("/log/slow").status == 200
    server.script = page
    line = entry(balancer, "/log/slow")
    assert int(line["Tr"]) >= 149 and int(line["Ta"]) >= 299
    assert int(line["Ta"]) >= sum(int(line[t]) for t in ("TR", "Tw", "Tc", "Tr"))


def test_time_in_the_queue_is_logged(testbed):
    held = Held()
    server = testbed.server(script=held)
    balancer = testbed.balance(server, server_changes={"view01": {"connections": 1}})
    with balancer.connect() as first, balancer.connect() as second:
        first.send(f"GET /held HTTP/1.1\r\n{HOST}\r\n")
        server.wait_for_requests(1)
        second.send(f"GET /queued HTTP/1.1\r\n{HOST}\r\n")
        wait_until(lambda: balancer.load_of("view01")["waiting"] == 1, "the second request in the queue")
        threading.Event().wait(0.3)
        held.released.set()
        assert first.answer().status == second.answer().status == 200
    assert int(entry(balancer, "/queued")["Tw"]) >= 200


STATES = [
    ("PR", "400", "malformed request", lambda c: (c.send("GET /log/PR HTTP/1.1\r\n\r\n"), c.answer())),
    ("cR", "408", "slow head", lambda c: (c.send("GET /log/cR HTTP/1.1\r\nX"), c.answer())),
    ("CR", "-1|400", "client leaves in its head", lambda c: c.send("GET /log/CR HTTP/1.1\r\nHo")),
    ("sH", "504", "silent server", lambda c: (c.send(f"GET /log/sH HTTP/1.1\r\n{HOST}\r\n"), c.answer())),
    ("SH", "502", "server closes without an answer", lambda c: (c.send(f"POST /log/SH HTTP/1.1\r\n{HOST}Content-Length: 0\r\n\r\n"), c.answer())),
    ("PH", "502", "malformed answer", lambda c: (c.send(f"GET /log/PH HTTP/1.1\r\n{HOST}\r\n"), c.answer())),
    ("SD", "200", "server cuts its answer", lambda c: (c.send(f"GET /log/SD HTTP/1.1\r\n{HOST}\r\n"), c.receive_to_end())),
    ("sD", "200", "server falls silent in its answer", lambda c: (c.send(f"GET /log/sD HTTP/1.1\r\n{HOST}\r\n"), c.receive_to_end())),
    ("CD", "200", "client leaves in its answer", lambda c: (c.send(f"GET /log/CD HTTP/1.1\r\n{HOST}\r\n"), c.receive_until(b"\r\n\r\n"))),
    ("CH", "-1|499", "client leaves before its answer", lambda c: c.send(f"GET /log/CH HTTP/1.1\r\n{HOST}\r\n")),
]  # fmt: skip


def misbehave(request):
    """Makes the server cause each termination state."""
    kind = request.target.rpartition("/")[2]
    if kind == "SH":
        request.stream.close()
    elif kind == "PH":
        request.send("nonsense\r\n\r\n")
    elif kind in ("SD", "sD", "CD"):
        request.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\nhello")
        if kind == "SD":
            request.stream.close()
        elif kind == "CD":
            while True:
                request.send(bytes(10_000))
        else:
            request.stream.receive_to_end()
    else:
        request.stream.receive_to_end()


@pytest.mark.parametrize(("state", "statuses", "name", "act"), STATES, ids=[s[2].replace(" ", "-") for s in STATES])
def test_termination_state(balanced, state, statuses, name, act):
    balancer, server = balanced
    server.script = misbehave
    server.forget()
    try:
        with balancer.connect() as client:
            act(client)
            if state == "CH":
                server.wait_for_requests(1)
        pattern = f"/log/{state}" if state not in ("cR", "CR", "PR") else rf" {state}-- .*(/log/{state}|BADREQ)"
        line = balancer.wait_for_access(pattern)[0]
    finally:
        server.script = page
    match = HTTPLOG.match(line)
    assert match, line
    assert match["state"] == f"{state}--", line
    assert match["status"] in statuses.split("|"), line


def test_missing_server_is_logged_as_nosrv(testbed):
    server = testbed.server()
    balancer = testbed.balance(server)
    server.die()
    assert balancer.get("/log/none").status == 503
    balancer.wait_for_state("view01", "down")
    assert balancer.get("/log/no-server").status == 503
    line = entry(balancer, "/log/no-server")
    assert (line["backend"], line["server"]) == ("servers", "<NOSRV>") and line["status"] == "503" and line["Tc"] == "-1" and line["state"][0] == "S"


def test_retry_and_redispatch_are_logged(testbed):
    servers = {name: testbed.server(name) for name in ("view01", "view02")}
    balancer = testbed.balance(*servers.values())
    sources = [f"127.0.84.{n}" for n in range(1, 20)]
    victim = next(source for source in sources if balancer.server_of(source) == "view01")
    servers["view01"].die()
    assert balancer.get("/log/moved", source=victim).status == 200
    line = entry(balancer, "/log/moved")
    assert line["server"] == "view02" and line["retries"].startswith("+")


def test_redirects_are_logged(balanced):
    balancer, _ = balanced
    with balancer.connect_redirect("127.0.83.7") as client:
        assert client.get("/log/redirected").status == 301
    line = entry(balancer, "/log/redirected")
    assert line["status"] == "301" and not line["frontend"].endswith("~")
    # HAProxy's notation for requests without a backend.
    assert (line["backend"], line["server"]) == ("redirect", "<NOSRV>")


def test_connections_are_counted_as_haproxy_counts_them(balanced):
    """Including the connection of the line."""
    balancer, _ = balanced
    with balancer.connect() as idle, balancer.connect() as asking:
        assert idle.get("/log/idle").status == asking.get("/log/counted").status == 200
        line = entry(balancer, "/log/counted")
    assert int(line["actconn"]) >= 2 and int(line["feconn"]) >= 2


def test_request_line_cannot_forge_a_line(balanced):
    """A client's bytes stay inside the quotes of its own line."""
    balancer, _ = balanced
    with balancer.connect() as client:
        client.send(b'GET /log/forged"x" HTTP/1.1\r\n' + HOST.encode() + b"\r\n")
        client.answer()
    line = balancer.wait_for_access("/log/forged")[0]
    assert HTTPLOG.match(line), line


def test_tunnel_is_logged_when_it_ends(balanced):
    balancer, server = balanced
    server.script = echo_stream
    with balancer.connect() as client:
        client.send(UPGRADE.replace("/ws", "/log/tunnel"))
        assert client.answer().status == 101
        client.send(b"x" * 5000)
        assert len(client.receive_exactly(5000)) == 5000
        client.finish()
        client.receive_to_end()
    server.script = page
    line = entry(balancer, "/log/tunnel")
    assert line["status"] == "101" and int(line["bytes"]) >= 5000 and line["state"] == "----"


def test_json_format_is_valid_json(testbed):
    server = testbed.server()
    balancer = testbed.balance(server, log={"access": {"format": "json", "queries": "full"}})
    assert balancer.get('/log/json?a=\\x', source="127.0.83.9").status in (200, 400)
    assert balancer.get("/log/second").status == 200
    with balancer.connect() as client:
        client.send("GET /log/\xe4\x01 HTTP/1.1\r\n\r\n")
        client.answer()
    balancer.wait_for_access("/log/second")
    balancer.wait_for_access('"termination":"PR"')
    entries = [json.loads(line) for line in balancer.access_lines]
    found = next(e for e in entries if "/log/second" in (e.get("request") or ""))
    assert found["status"] == 200 and found["server"] == "view01"
    timers = [key for key in found if key.endswith("_ms")]
    assert len(timers) == 5 and all(isinstance(found[key], int) for key in timers)


SECRETS = [
    ("/ice/reconnect?4F7A_secret-id&s3cret", r"/ice/reconnect\?~\w{8}&~\w{8}"),
    ("/portal/;jsessionid=s3cret?SAMLart=s3cret", r"/portal/;jsessionid=~\w{8}\?SAMLart=~\w{8}"),
]  # fmt: skip


@pytest.mark.parametrize("level", ["info", "debug"])
def test_secrets_in_queries_are_not_logged(testbed, level):
    """Of requests that were served, redirected, refused, or pipelined after a body; in the access log and the
    operational one."""
    balancer = testbed.balance(testbed.server(), log={"level": level})
    for target, logged in SECRETS:
        assert balancer.get(target).status == 200
        with balancer.connect_redirect() as client:
            assert client.get(target).status == 301
        with balancer.connect() as client:
            client.send(f"GET {target} HTTP/1.1\r\n\r\n")
            assert client.answer().status == 400
        balancer.wait_for_access(logged, 3)
    with balancer.connect() as client:
        client.send(f"POST /log/short HTTP/1.1\r\n{HOST}Content-Length: 1\r\n\r\nxpassword=s3cret\r\n\r\n")
        assert client.answer().status == 200
        assert client.answer().status in (400, 501)
    balancer.wait_for_access(' PR-- .*"<BADREQ>"')
    written = "\n".join(balancer.access_lines) + balancer.log
    assert "s3cret" not in written and "secret-id" not in written
    # The same part has the same digits, so that related lines can be found.
    digits = {match for line in balancer.access_lines for match in re.findall(r"SAMLart=~(\w{8})", line)}
    assert len(digits) == 1
