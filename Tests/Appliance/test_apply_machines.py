"""Two booted machines with a pair take over configurations and certificates as in docs/apply.md, under load. The tests are
a story: each goes on where the one before ended."""

import json
import re
import shlex

import pytest
from harness.appliance.machine import Failed
from harness.appliance.manual import Manual

ADDRESS = "192.168.1.170"
install, pairing, manual = Manual("install.md"), Manual("pair.md"), Manual("apply.md")
ENABLED = "systemctl enable --now belvedere-apply.socket"
APPLIED = "belvedere apply new.yaml"
FROM_FOLDER = "belvedere apply /root/next/belvedere.yaml"
# As its status or its listener tells, whichever is the first.
SERVES_NO_CLIENT = "{}: (no server of the service is up: view02|.* answers 503 for)"
# The machines have no ssh; the test takes the key from one to the other.
ELSEWHERE = {"scp -p /etc/belvedere/apply.key lb2:/etc/belvedere/apply.key"}


@pytest.fixture(scope="module")
def nodes(site, deb):
    """lb1, which is Active, and lb2, with the secret of a pair."""
    nodes = site.pair()
    for machine in nodes:
        machine.bring(deb, "/root/belvedere.deb")
        machine.run("apt-get install --yes /root/belvedere.deb")
        site.configure(machine, install.configuration + pairing.configuration)
    secret = "/etc/belvedere/tls/pair.key"
    pairing.type(nodes[0], f"belvedere pair new-secret {secret}")
    carry(nodes, secret)
    pairing.type(nodes[1], f"chgrp belvedere {secret}")
    for machine in reversed(nodes):
        pairing.type(machine, "belvedere check && systemctl restart belvedere")
    nodes[0].wait_until(lambda: nodes[0].holds(ADDRESS), "the address")
    for machine in nodes:
        machine.wait_for_journal("has joined")
        machine.wait_until(lambda machine=machine: "2 of 2 up" in machine.show("StatusText"), "both servers")
    return nodes


def carry(nodes, place):
    """Copies a file from lb1 to lb2, with its mode, as `scp -p` does."""
    text = nodes[0].path(place).read_text()
    nodes[1].write(place, text, mode=nodes[0].run(f"stat -c %a {place}").strip())


def status(machine):
    return json.loads(machine.run("belvedere status --json"))


def files(machine):
    """What a change may have replaced, and who may read it."""
    folder = machine.path("/etc/belvedere")
    names = ["belvedere.yaml", "tls/view.pem", "tls/domain-ca.pem"]
    places = [f"/etc/belvedere/{name}" for name in names]
    return [(folder / name).read_bytes() for name in names], machine.run(f"stat -c '%U %G %a' {shlex.join(places)}")


def assert_alike(nodes):
    """Both have the same files, and use them."""
    assert files(nodes[0]) == files(nodes[1])
    for machine in nodes:
        machine.wait_until(lambda machine=machine: status(machine)["pair"]["differences"] == [], "no difference")


def refused(machine, command):
    with pytest.raises(Failed) as failure:
        machine.run(f"cd /root && {command}")
    return str(failure.value)


def changed(machine, old, new):
    text = machine.path("/etc/belvedere/belvedere.yaml").read_text()
    assert old in text
    return text.replace(old, new)


def assert_no_client_noticed(load):
    assert load["failures"] == load["cut"] == load["lost"] == []
    assert load["answered"] > 0


def test_it_is_enabled_by_an_administrator(nodes):
    said = refused(nodes[0], "belvedere apply")
    assert "apply.key, the apply key, can't be read" in said
    manual.type(nodes[0], "(umask 077; openssl rand -hex 32 >/etc/belvedere/apply.key)")
    assert "apply is not enabled on lb2: systemctl enable --now belvedere-apply.socket" in refused(nodes[0], "belvedere apply")
    carry(nodes, "/etc/belvedere/apply.key")
    for machine in nodes:
        manual.type(machine, ENABLED)
        assert machine.run("stat -c '%U %G %a' /run/belvedere-apply.sock /etc/belvedere/apply.key").splitlines() == [
            "root belvedere 660",
            "root root 600",
        ]


def test_trial_changes_nothing(nodes):
    before = [files(machine) for machine in nodes]
    nodes[0].write("/root/new.yaml", changed(nodes[0], "servers:", "retries: 2\nservers:"))
    said = manual.type(nodes[0], "belvedere apply new.yaml --dry-run")
    assert {f"{machine.name}: the configuration is in order" for machine in nodes} < set(said.splitlines()), said
    assert [files(machine) for machine in nodes] == before
    assert [status(machine)["configuration"]["number"] for machine in nodes] == [1, 1]


def test_good_configuration_is_in_use_on_both_and_no_client_notices(nodes, site):
    with site.load(ADDRESS) as load:
        said = manual.type(nodes[0], APPLIED)
    assert said.splitlines()[-1].startswith("the configuration is in use on "), said
    assert_no_client_noticed(load)
    assert_alike(nodes)
    for machine in nodes:
        assert "retries: 2" in machine.path("/etc/belvedere/belvedere.yaml").read_text()
        assert status(machine)["configuration"]["number"] == 2
        assert machine.path("/etc/belvedere/belvedere.yaml.before").exists()
    journal = nodes[1].run("journalctl --sync; journalctl -o cat -u belvedere-apply")
    assert "a configuration from another node: configuration 2 is in use" in journal
    assert "it is confirmed" in journal


def test_new_certificate_comes_along_from_the_folder_of_the_new_configuration(nodes, site):
    nodes[0].bring(site.certificate(serial=101), "/root/renewed.pem")
    for command in (
        "mkdir -p /root/next/tls",
        "cp /etc/belvedere/belvedere.yaml /root/next/",
        "cp renewed.pem /root/next/tls/view.pem",
    ):
        manual.type(nodes[0], command)
    with site.load(ADDRESS) as load:
        manual.type(nodes[0], FROM_FOLDER)
    assert_no_client_noticed(load)
    assert load["serials"] == ["64", "65"]
    assert_alike(nodes)
    assert "root belvedere 640" in files(nodes[1])[1]


def test_certificate_that_was_renewed_in_place_reaches_the_other_node(nodes, site):
    site.give_certificate(nodes[0], serial=102)
    with site.load(ADDRESS) as load:
        manual.type(nodes[0], "belvedere apply")
    assert_no_client_noticed(load)
    assert_alike(nodes)
    assert status(nodes[0])["certificates"] == status(nodes[1])["certificates"]


@pytest.mark.parametrize(
    "text, reason",
    [("retries: [", "expected"), ("unheard-of: true\n", "unknown key `unheard-of`")],
    ids=["no YAML", "no configuration"],
)
def test_bad_configuration_changes_nothing(nodes, site, text, reason):
    before = [files(machine) for machine in nodes]
    nodes[0].write("/root/new.yaml", nodes[0].path("/etc/belvedere/belvedere.yaml").read_text() + text)
    with site.load(ADDRESS) as load:
        assert reason in refused(nodes[0], APPLIED)
    assert_no_client_noticed(load)
    assert [files(machine) for machine in nodes] == before
    assert_alike(nodes)


def test_configuration_that_is_in_order_here_only_changes_nothing(nodes, site):
    """A folder that lb2 does not have."""
    nodes[0].run("mkdir -p /etc/belvedere/tls/new /root/tls/new && cp /etc/belvedere/tls/view.pem /etc/belvedere/tls/new/")
    nodes[0].write("/root/new.yaml", changed(nodes[0], "tls/view.pem", "tls/new/view.pem"))
    before = [files(machine) for machine in nodes]
    with site.load(ADDRESS) as load:
        said = refused(nodes[0], APPLIED)
    assert "lb1: the configuration is in order" in said
    assert "lb2: " in said and "/etc/belvedere/tls/new" in said, said
    assert_no_client_noticed(load)
    assert [files(machine) for machine in nodes] == before
    assert_alike(nodes)
    nodes[0].run("rm -r /etc/belvedere/tls/new /root/tls")


def test_configuration_with_which_the_backup_serves_no_client_is_put_back(nodes, site):
    nodes[0].write("/root/new.yaml", changed(nodes[0], "  view01: 192.168.1.165\n", ""))
    before = [files(machine) for machine in nodes]
    nodes[1].run("ip route add unreachable 192.168.1.166")
    with site.load(ADDRESS) as load:
        said = refused(nodes[0], APPLIED)
        nodes[1].run("ip route del unreachable 192.168.1.166")
    assert re.search(SERVES_NO_CLIENT.format("lb2"), said), said
    # The warnings of a node are printed once, although each step finds them.
    assert len(re.findall("lb2: .*: its issuer CN=domain CA is not in the file", said)) == 1, said
    assert said.endswith("the former configuration is in use\n"), said
    assert_no_client_noticed(load)
    assert [files(machine) for machine in nodes] == before
    nodes[1].wait_until(lambda: "2 of 2 up" in nodes[1].show("StatusText"), "both servers")
    assert_alike(nodes)


def test_configuration_with_which_the_active_serves_no_client_is_put_back(nodes, site):
    """Its clients may get 503 meanwhile, or the address moves."""
    before = [files(machine) for machine in nodes]
    nodes[0].run("ip route add unreachable 192.168.1.166")
    said = refused(nodes[0], APPLIED)
    nodes[0].run("ip route del unreachable 192.168.1.166")
    assert re.search(SERVES_NO_CLIENT.format("lb1"), said), said
    assert said.endswith("the former configuration is in use\n"), said
    assert [files(machine) for machine in nodes] == before
    nodes[0].wait_until(lambda: nodes[0].holds(ADDRESS) and not nodes[1].holds(ADDRESS), "the address")
    nodes[0].wait_until(lambda: "2 of 2 up" in nodes[0].show("StatusText"), "both servers")
    assert_alike(nodes)


def test_node_takes_it_over_alone_while_the_other_one_is_away(nodes, site):
    nodes[1].run("systemctl stop belvedere")
    nodes[0].write("/root/new.yaml", changed(nodes[0], "retries: 2", "retries: 1"))
    assert "--here applies it to this node only" in refused(nodes[0], APPLIED)
    manual.type(nodes[0], "belvedere apply new.yaml --here")
    assert "retries: 1" in nodes[0].path("/etc/belvedere/belvedere.yaml").read_text()
    nodes[1].run("systemctl start belvedere")
    nodes[0].wait_until(lambda: status(nodes[0])["pair"]["differences"], "the difference")
    nodes[0].run("belvedere apply")
    assert_alike(nodes)


def test_receiver_needed_nothing_that_its_sandbox_forbids(nodes):
    """It ends by itself, without a trace in the list of units that have failed."""
    for machine in nodes:
        machine.wait_until(
            lambda machine=machine: machine.run("systemctl is-active belvedere-apply || true").strip() == "inactive",
            "the receiver's end",
            timeout=90,
        )
        assert machine.run("systemctl --failed --plain --no-legend").strip() == ""


def test_every_command_of_the_manual_was_run():
    assert manual.untyped(elsewhere=ELSEWHERE) == []
