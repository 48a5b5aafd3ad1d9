"""What each node of a pair shows of the other one, and what it says of differences."""

import json
import re
import signal
import socket

import pytest
from harness.nodes import NAMES, Pair
from harness.service import belvedere
from harness.waiting import TIMEOUT, wait_until


@pytest.fixture
def servers(testbed):
    return [testbed.server(name) for name in ("view01", "view02")]


@pytest.fixture
def pair(testbed, servers):
    return Pair(testbed, servers).start().wait_until_joined()


def other(name):
    return NAMES[1 - NAMES.index(name)]


def seen(node, name):
    """What this node knows of another one."""
    return next(one for one in node.status["pair"]["nodes"] if one["name"] == name)


def differences(node):
    """Without what the nodes of these tests have of their own: listeners, and files of the secret."""
    own = re.compile("configuration: (listen|redirect|pair) differs")
    return {one["text"] for one in node.status["pair"]["differences"] if not own.match(one["text"])}


def wait_until_seen(pair):
    """Until each node knows everything of the other one."""
    for name in NAMES:

        def is_known(name=name):
            node = seen(pair[name], other(name))
            return node["answers"] and node["version"] and node["services"] and node["certificates"]

        wait_until(is_known, lambda name=name: f"{other(name)}: {pair[name].status['pair']}")
    return pair


def test_either_node_shows_both_side_by_side(pair):
    wait_until_seen(pair)
    for name in NAMES:
        page = pair[name].call("status").stdout
        assert all(len(line) <= 80 for line in page.splitlines()), page
        assert re.search(rf"^node +{name} \(this node\) +{other(name)}$", page, re.MULTILINE), page
        assert re.search(r"^servers +2 of 2 reached +2 of 2 reached$", page, re.MULTILINE), page
        shown = pair[name].status["pair"]
        assert shown["node"] == name and [one["name"] for one in shown["nodes"]] == [name, other(name)]
        assert differences(pair[name]) == set()
        mine, theirs = shown["nodes"]
        for member in ("version", "servers", "certificates", "services"):
            assert mine[member] == theirs[member], member
        assert theirs["clock_difference_ms"] < 2000 and theirs["routers"] == []


def test_one_node_alone_is_shown_on_request(pair):
    wait_until_seen(pair)
    page = pair["lb1"].call("status", "--node", "lb2")
    assert page.returncode == 0 and page.stdout.splitlines()[0].endswith(" on lb2, seen from lb1: answers"), page.stdout
    assert re.search(r"^  view01 +up$", page.stdout, re.MULTILINE), page.stdout
    assert json.loads(pair["lb1"].call("status", "--node", "lb2", "--json").stdout)["name"] == "lb2"
    own = json.loads(pair["lb1"].call("status", "--node", "lb1", "--json").stdout)
    assert own["pair"] is None and own["state"] == "serving"
    assert "this node" not in pair["lb1"].call("status", "--node", "lb1").stdout
    refused = pair["lb1"].call("status", "--node", "lb3")
    assert refused.returncode == 1 and refused.stderr == "belvedere: there is no node `lb3`; there are: lb1, lb2\n"


def test_status_without_a_pair_shows_one_node(testbed, servers):
    node = testbed.balance(*servers)
    assert node.status["pair"] is None
    assert "this node" not in node.call("status").stdout


def test_node_that_does_not_answer_is_shown_as_such(pair):
    wait_until_seen(pair)
    pair["lb2"].stop()
    wait_until(lambda: not seen(pair["lb1"], "lb2")["answers"], lambda: f"{pair['lb1'].status['pair']}")
    page = pair["lb1"].call("status").stdout
    assert re.search(r"^lb2 has not answered since \d\d:\d\d:\d\d UTC \(\d+ s\)$", page, re.MULTILINE), page
    # It is shown as it was.
    assert seen(pair["lb1"], "lb2")["services"] == [{"name": "", "healthy": 2, "servers": 2}]
    pair["lb2"].start()
    wait_until(lambda: seen(pair["lb1"], "lb2")["answers"], lambda: f"{pair['lb1'].status['pair']}")


def test_differences_are_shown_on_both_nodes_and_logged_once(pair, servers, certificates):
    """A section of the configuration, a certificate, and a server that one node cannot reach."""
    wait_until_seen(pair)
    first, second = pair["lb1"], pair["lb2"]
    renewed = certificates.authority.issue("view.test")
    gone = {"address": servers[1].address, "port": 1}
    second.reload({
        "retries": 1, "tls": {"certificate": str(renewed.chain), "key": str(renewed.key)},
        "servers": {"view02": second.configuration["servers"]["view02"] | gone},
    })  # fmt: skip
    second.wait_for_state("view02", "down")
    expected = {
        "lb1": [
            "configuration: retries differs from lb2's", "configuration: tls differs from lb2's",
            "configuration: servers differs from lb2's", "view02: up here, down on lb2", "certificates: ",
        ],
        "lb2": ["configuration: retries differs from lb1's", "view02: down here, up on lb1", "certificates: "],
    }  # fmt: skip
    for name, texts in expected.items():
        node = pair[name]

        def are_told(node=node, texts=texts):
            return all(any(line.startswith(text) for line in differences(node)) for text in texts)

        wait_until(are_told, lambda node=node: f"{differences(node)}")
        page = node.call("status").stdout
        assert "\ndifferences\n" in page and re.search(r"^view02 +(up +down|down +up)$", page, re.MULTILINE), page
        assert re.search(r"^servers +(2 of 2 reached +1 of 2|1 of 2 reached +2 of 2) reached$", page, re.MULTILINE), page
    first.wait_for_log("warning +supervisor: pair: difference: view02: up here, down on lb2")
    first.wait_for_log("warning +supervisor: pair: difference: configuration: retries differs from lb2's")
    second.reload({"retries": 3, "tls": first.configuration["tls"], "servers": first.configuration["servers"]})
    wait_until(lambda: not any("view02" in text for text in differences(first)), lambda: f"{differences(first)}")
    first.wait_for_log("notice +supervisor: pair: difference has ended: view02: up here, down on lb2")
    assert first.log.count("pair: difference: view02") == 1


def test_command_of_the_page_is_in_the_help():
    assert "--node <name>" in belvedere("status", "--help").stdout


def test_doctor_shows_what_the_other_node_says_of_itself(testbed, servers):
    """Warnings of its configuration, that a reload was refused there, and a server's other certificate."""
    pair = Pair(testbed, servers, tls={"profile": "old"}).start().wait_until_joined()
    wait_until_seen(pair)
    first, second = pair["lb1"], pair["lb2"]

    def lines():
        words = ["doctor", "--json", "--configuration", first.file, "--control", first.control]
        run = first.call_plainly(*words, timeout=5 * TIMEOUT)
        return [one["text"] for one in json.loads(run.stdout)["findings"] if (one["check"], one["subject"]) == ("pair", "lb2")]

    def wait_for(*expected, without=()):
        def agree():
            found = [f"{one['check']} {one['subject']}: {one['text']}" for one in seen(first, "lb2")["findings"] or []]
            return all(any(re.search(words, text) for text in found) for words in expected) and not any(
                re.search(words, text) for words in without for text in found
            )

        wait_until(agree, lambda: f"{expected}: {seen(first, 'lb2')}")

    refused, old = "configuration : the last reload was refused: .*unknown key", "configuration : .*TLS 1.0 and 1.1 are broken"
    # Of the start, too.
    wait_for(old, without=[refused])
    # By a signal, which is not answered.
    second.write({"nonsense": 1}).signal(signal.SIGHUP)
    wait_for(refused, old)
    assert any("the last reload was refused" in line for line in lines())
    second.reload({"nonsense": None})
    wait_for(old, without=[refused])
    assert any("TLS 1.0 and 1.1 are broken" in line for line in lines())
    second.reload({"tls": {"profile": None}})
    wait_for(without=[old])


def test_the_observer_gets_no_findings_of_either_node(testbed, servers, folder):
    pair = Pair(testbed, servers, tls={"profile": "old"}, observe={}).start(start=False)
    first = pair["lb1"]
    first.options += ["--observer", folder / "observer"]
    with socket.socket(socket.AF_UNIX) as observer:
        observer.bind(str(folder / "observer"))
        observer.listen()
        observer.settimeout(TIMEOUT)
        for node in pair.nodes.values():
            node.start().wait_until_serving()
        pair.wait_until_joined()
        wait_until(lambda: all(node["findings"] for node in first.status["pair"]["nodes"]), lambda: first.status["pair"])
        now = first.status["time"]
        service, _ = observer.accept()
        with service, service.makefile() as lines:
            service.settimeout(TIMEOUT)
            report = next(report for report in (json.loads(line)["status"] for line in lines) if report["time"] > now)
    assert [node["name"] for node in report["pair"]["nodes"]] == NAMES
    assert [node["findings"] for node in report["pair"]["nodes"]] == [None, None]
