"""`belvedere apply` on two nodes: both take a configuration over, or neither does, and no client notices."""

import json
import secrets
import shutil
import socket
import subprocess
import threading

import pytest
from harness.pair.lan import Lan
from harness.service import binary, server_entry
from harness.waiting import wait_until

# As systemd does: the socket is the descriptor 3.
ACTIVATED = 'fd=$1; shift; exec 3<&"$fd"; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"'


class Receiving:
    """belvedere-apply.socket and its service on a node."""

    def __init__(self, balancer, key):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(balancer.receiver))
        listener.listen()
        words = [binary(), "apply-receive", "-c", balancer.file, "--control", balancer.control, "--key", key]
        command = balancer.node.command("bash", "-c", ACTIVATED, "bash", listener.fileno(), *words)
        self._log = open(balancer.directory / "receiver.log", "wb")
        self._process = subprocess.Popen([str(word) for word in command], pass_fds=[listener.fileno()], stderr=self._log)
        listener.close()

    def end(self):
        self._process.terminate()
        self._process.wait(60)
        self._log.close()


class Load:
    """Clients of the virtual address, one connection after the other."""

    def __init__(self, testbed):
        self.answers, self.failures = 0, []
        self._testbed, self._over = testbed, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        testbed.programs.append(self)

    def _run(self):
        while not self._over.is_set():
            try:
                answer = self._testbed.get(self._testbed.ADDRESS, "/", "Connection: close")
                if answer is None or answer.status != 200:
                    self.failures.append(answer and answer.status)
                self.answers += 1
            except OSError as error:
                self.failures.append(error)

    def end(self):
        self._over.set()
        self._thread.join()
        return self.answers, self.failures


def start(testbed, name, key, **changes):
    """A node with its files in a folder of its own, and a receiver."""
    balancer = testbed.balancer(testbed.node(name), start=False, **changes)
    balancer.configuration["tls"] = {"certificate": "tls/view.pem", "key": "tls/view.key"}
    front, folder = testbed.certificates.front, balancer.directory / "tls"
    folder.mkdir()
    shutil.copy(front.chain, folder / "view.pem")
    shutil.copy(front.key, folder / "view.key")
    balancer.receiver = balancer.directory / "receiver"
    balancer.options = ["--receiver", balancer.receiver]
    balancer.start()
    testbed.programs.append(Receiving(balancer, key))
    return balancer


@pytest.fixture
def key(testbed):
    file = testbed.directory / "apply.key"
    file.write_text(secrets.token_hex(32) + "\n")
    file.chmod(0o600)
    return file


@pytest.fixture
def nodes(testbed, key):
    """lb1, which is Active, and lb2."""
    testbed.server("view01")
    secret = testbed.directory / "pair.key"
    secret.write_text(secrets.token_hex(32) + "\n")
    secret.chmod(0o640)
    changes = {
        "pair": {"nodes": {"lb1": "192.0.2.11", "lb2": "192.0.2.12"}, "secret": str(secret)},
        "health": {"interval": "200ms", "rise": 2, "fall": 2, "jitter": "0s"},
    }
    first = start(testbed, "lb1", key, **changes).wait_until("active")
    second = start(testbed, "lb2", key, **changes).wait_until("backup")
    first.wait_for_log("pair: lb2 has joined")
    for node in (first, second):
        node.wait_for_log("server view01 is up")
    return first, second


def draft(testbed, node, certificate=None, **changes):
    folder = testbed.directory / "next"
    (folder / "tls").mkdir(parents=True)
    file = folder / "belvedere.yaml"
    file.write_text(json.dumps(node.configuration | changes))
    if certificate:
        shutil.copy(certificate.chain, folder / "tls/view.pem")
        shutil.copy(certificate.key, folder / "tls/view.key")
    return file


def apply(node, key, *words):
    return node.call("apply", "-c", node.file, "--key", key, *words, timeout=120)


def files(node):
    return [path.read_bytes() for path in (node.file, node.directory / "tls/view.pem", node.directory / "tls/view.key")]


def served(node):
    return node.status["certificates"][0]["fingerprint"]


def other_server(testbed):
    """The changes that put another server in the place of view01."""
    server = testbed.server("view02")
    return {"servers": {"view02": server_entry(server, testbed.certificates.authority.certificate)}}


def servers(node):
    return [server["name"] for server in node.status["servers"] if not server["removed"]]


@pytest.mark.parametrize("where", [0, 1], ids=["typed on the Active", "typed on the Backup"])
def test_both_nodes_take_certificate_and_servers_over_and_no_client_notices(testbed, nodes, key, where):
    new = testbed.certificates.authority.issue("view.test")
    file = draft(testbed, nodes[0], new, **other_server(testbed))
    load = Load(testbed)
    run = apply(nodes[where], key, file)
    answers, failures = load.end()
    assert run.returncode == 0, f"{run.stdout}{run.stderr}"
    assert answers > 0 and failures == []
    said = run.stdout.splitlines()
    # The Backup first.
    in_use = [line.split(":")[0] for line in said if "is in use" in line and line.startswith("lb")]
    assert in_use == ["lb2", "lb1"], said
    asked = ["127.0.0.1", "192.0.2.12"] if where == 0 else ["192.0.2.11", "127.0.0.1"]
    assert {f"lb{number}: serves at {address}:443" for number, address in enumerate(asked, 1)} <= set(said), said
    assert files(nodes[0]) == files(nodes[1]) == [file.read_bytes(), new.chain.read_bytes(), new.key.read_bytes()]
    for node in nodes:
        wait_until(lambda node=node: served(node) == new.fingerprint, f"the new certificate on {node.node.name}")
        assert servers(node) == ["view02"]
    assert nodes[0].node.holds(testbed.ADDRESS)


def test_certificates_renewed_in_place_reach_the_other_node(testbed, nodes, key):
    new = testbed.certificates.authority.issue("view.test")
    shutil.copy(new.chain, nodes[0].directory / "tls/view.pem")
    shutil.copy(new.key, nodes[0].directory / "tls/view.key")
    run = apply(nodes[0], key)
    assert run.returncode == 0, f"{run.stdout}{run.stderr}"
    assert files(nodes[0]) == files(nodes[1])
    for node in nodes:
        wait_until(lambda node=node: served(node) == new.fingerprint, f"the new certificate on {node.node.name}")


def assert_unchanged(testbed, nodes, before, load, *, active_fails=False):
    """
    `active_fails`: the Active reached no server for a moment, so it answered 503, or the virtual address moved, which breaks
    connections, with an error or with their end before an answer (None).
    """
    answers, failures = load.end()
    assert answers > len(failures)
    assert all(
        active_fails and (failure in (503, None) or isinstance(failure, OSError)) for failure in failures
    ), failures
    assert [files(node) for node in nodes] == before
    assert [servers(node) for node in nodes] == [["view01"], ["view01"]]


def test_configuration_that_the_other_node_can_not_use_changes_nothing(testbed, nodes, key):
    """It is good here."""
    (nodes[1].directory / "tls/view.pem").rename(nodes[1].directory / "elsewhere.pem")
    (nodes[1].directory / "tls/view.pem").symlink_to(nodes[1].directory / "elsewhere.pem")
    before, load = [files(node) for node in nodes], Load(testbed)
    run = apply(nodes[0], key, draft(testbed, nodes[0], testbed.certificates.authority.issue("view.test"), **other_server(testbed)))
    assert run.returncode == 1
    assert "lb1: the configuration is in order" in run.stdout
    assert "tls/view.pem can't be replaced: Too many levels of symbolic links" in run.stderr, run.stderr
    assert run.stderr.startswith("warning: ") or run.stderr.startswith("lb2: ")
    assert_unchanged(testbed, nodes, before, load)
    assert [node.status["configuration"]["number"] for node in nodes] == [1, 1]


@pytest.mark.parametrize("where", [0, 1], ids=["at the Active", "at the Backup"])
def test_configuration_that_serves_no_client_at_one_node_is_put_back_on_both(testbed, nodes, key, where):
    """Both find it in order; but one of them does not reach the new server."""
    nodes[where].node.run("ip", "route", "add", "unreachable", Lan.SERVERS[1])
    before, load = [files(node) for node in nodes], Load(testbed)
    run = apply(nodes[0], key, draft(testbed, nodes[0], testbed.certificates.authority.issue("view.test"), **other_server(testbed)))
    assert run.returncode == 1
    assert f"{nodes[where].node.name}: no server of the service is up: view02" in run.stderr, run.stderr
    assert run.stderr.endswith("the former configuration is in use\n")
    assert_unchanged(testbed, nodes, before, load, active_fails=where == 0)


def test_changes_follow_each_other_at_once(testbed, nodes, key):
    """After a change of servers the nodes join anew, and the next one waits for that."""
    file = draft(testbed, nodes[0], **other_server(testbed))
    for text in (file.read_text(), json.dumps(nodes[0].configuration)) * 2:
        file.write_text(text)
        run = apply(nodes[0], key, file)
        assert run.returncode == 0, f"{run.stdout}{run.stderr}"
    assert servers(nodes[0]) == servers(nodes[1]) == ["view01"]


def test_connections_without_the_key_delay_a_change_and_do_not_prevent_it(testbed, nodes, key):
    """One that says nothing is closed after two seconds, and the next in line is served."""
    silent = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(2)]
    for connection in silent:
        connection.connect(str(nodes[1].receiver))
    run = apply(nodes[0], key, draft(testbed, nodes[0], **other_server(testbed)))
    assert run.returncode == 0, f"{run.stdout}{run.stderr}"
    for connection in silent:
        connection.close()
    assert "a connection was closed: it does not answer" in (nodes[1].directory / "receiver.log").read_text()


def test_another_apply_key_is_refused(testbed, nodes, key):
    other = testbed.directory / "other.key"
    other.write_text(secrets.token_hex(32) + "\n")
    other.chmod(0o600)
    before, load = [files(node) for node in nodes], Load(testbed)
    run = apply(nodes[0], other, draft(testbed, nodes[0], **other_server(testbed)))
    assert run.returncode == 1
    assert run.stderr.endswith("nothing was changed; --here applies it to this node only\n"), run.stderr
    assert_unchanged(testbed, nodes, before, load)
    wait_until(
        lambda: "not signed with this apply key" in (nodes[1].directory / "receiver.log").read_text(), "the receiver's log"
    )
    other.chmod(0o640)
    assert "must belong to root and be readable for root only" in apply(nodes[0], other).stderr


def test_unreachable_node_is_left_out_only_on_request(testbed, nodes, key):
    nodes[1].stop()
    nodes[0].wait_for_log("pair: lb2 has left")
    file = draft(testbed, nodes[0], **other_server(testbed))
    run = apply(nodes[0], key, file)
    assert run.returncode == 1
    assert "lb2: " in run.stderr and "--here applies it to this node only" in run.stderr
    assert servers(nodes[0]) == ["view01"]
    run = apply(nodes[0], key, file, "--here")
    assert run.returncode == 0, run.stderr
    assert servers(nodes[0]) == ["view02"]
