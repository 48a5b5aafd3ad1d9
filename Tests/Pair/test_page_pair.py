"""The page of `belvedere observe` on a node of a pair, in a browser."""

import os
import time

import pytest
from harness import ROOT
from harness.accessibility import assert_accessible
from harness.browser import Browser
from harness.client import client_context, connect_tls
from harness.commands import ip
from harness.observer import Observer
from harness.pair import channel
from harness.pair.balancer import Balancer
from harness.pair.lan import Lan

QUICK = {"interval": "200ms", "rise": 1, "fall": 1, "jitter": "0s"}
# The addresses of clients: the part of the network that no machine has.
CLIENTS = "192.0.2.128/25"
# The picture in README.md. It is written with BELVEDERE_UPDATE_GOLDEN=1, when the plots have a few values.
PICTURE = ROOT / "docs/page.webp"
PICTURE_SECONDS, MOST_CLIENTS = 150, 100
# The text of each cell in the row of a node.
ROW = "[...document.querySelectorAll('#pair tbody tr')].map(row => [...row.cells].map(cell => cell.innerText))"


@pytest.fixture
def page(testbed, secret, tmp_path):
    """The page of lb1, which is Active beside lb2."""
    for name in ("view01", "view02"):
        testbed.server(name)
    changes = channel.settings(secret) | {"observe": {"networks": [f"{Lan.CLIENT}/32"]}, "health": QUICK, "limits": {"connections": 4000}}
    first = testbed.balancer(testbed.node("lb1"), start=False, **changes)
    observer = Observer(first, first.node.address)
    first.start().wait_until("active")
    second = testbed.balancer(testbed.node("lb2"), start=False, **changes)
    # The nodes' own addresses are no difference.
    second.configuration["observe"]["listen"] = f"{second.node.address}:{observer.port}"
    second.start().wait_until("backup")
    observer.start()
    browser = Browser(tmp_path)
    browser.resize(1280, 1000)
    browser.open(f"http://{observer.address}:{observer.port}/")
    browser.wait_for("report && report.pair && report.pair.nodes.every(node => node.answers && node.routers.length)")
    yield browser
    browser.close()
    observer.stop()


def test_page_shows_the_nodes_who_has_the_address_and_what_differs(testbed, page, tmp_path):
    first, second = testbed.programs
    page.wait_for("document.querySelectorAll('[data-state=up]').length === 2 && !byId('differences')")
    own, other = page.value(ROW)
    assert own[0] == "lb1 (this node)" and other[0] == "lb2"
    assert "answers" in own[1] and "answers" in other[1]
    assert "active holds 192.0.2.100/24" in own[2] and "priority 101" in own[2]
    assert "backup" in other[2] and "holds" not in other[2] and "priority 100" in other[2]
    [router] = page.value("[...document.querySelectorAll('#routers tbody tr')].map(row => row.innerText)")
    assert "192.0.2.100/24 (here)" in router
    for width, scheme in ((1280, "light"), (1280, "dark"), (390, "dark")):
        page.resize(width, 1000)
        assert page.value("document.documentElement.scrollWidth <= innerWidth"), width
        page.prefer(scheme)
        page.picture(tmp_path / f"pair-{width}-{scheme}.png")
    page.resize(1280, 1000)
    assert_accessible(page)
    # One node alone reaches a server no more.
    second.node.run("ip", "route", "add", "blackhole", f"{testbed.servers[1].address}/32")
    page.wait_for("byId('differences') && byId('differences').innerText.includes('view02: up here, down on lb2')")
    assert_accessible(page)
    # The address moves.
    assert first.call("failover").returncode == 0
    page.wait_for(ROW + "[1][2].includes('holds 192.0.2.100/24') && !" + ROW + "[0][2].includes('holds')")
    page.wait_for("byId('routers').innerText.includes('192.0.2.100/24 (not here)')")
    page.wait_for("byId('routers').innerText.includes('192.0.2.12, priority 100')")
    page.wait_for("byId('changes').textContent.includes('router-51 is ')")
    # A node that is gone.
    second.kill()
    page.wait_for(ROW + "[1][1].includes('does not answer')")
    assert_accessible(page)
    assert not page.faults


@pytest.fixture
def clients(testbed):
    """Connects clients with addresses of their own to the virtual address."""
    ip("route", "add", "local", CLIENTS, "dev", "lan")
    context = client_context(testbed.certificates.authority.certificate)
    opened = []

    def connect(count):
        for _ in range(count):
            source = f"192.0.2.{130 + len(opened)}"
            opened.append(connect_tls((testbed.ADDRESS, Balancer.PORT), context, server_name="view.test", source=source))
        return opened

    yield connect
    for client in opened:
        client.close()
    ip("route", "del", "local", CLIENTS, "dev", "lan")


def test_picture_of_the_page_shows_a_pair_with_clients(page, clients, tmp_path):
    updates = os.environ.get("BELVEDERE_UPDATE_GOLDEN")
    ends = time.monotonic() + (PICTURE_SECONDS if updates else 0)
    connected = clients(8)
    while True:
        if len(connected) < MOST_CLIENTS and updates:
            connected = clients(1)
        for client in connected:
            assert client.get("/").status == 200
        is_shown = page.value("report.traffic.per_second?.requests > 0 && report.servers.every(server => server.load?.sessions > 0)")
        if is_shown and time.monotonic() > ends:
            break
    page.resize(1200, 1000)
    page.wait_for("innerWidth === 1200")
    # Without the sections below, whose paths are those of this machine.
    height = page.value("document.querySelector('#servers .scroll').getBoundingClientRect().bottom + scrollY + 12")
    clip = {"x": 0, "y": 0, "width": 1200, "height": height, "scale": 1}
    made = tmp_path / PICTURE.name
    page.picture(made, format="webp", quality=85, clip=clip)
    if updates:
        PICTURE.write_bytes(made.read_bytes())
    assert made.read_bytes()[8:12] == PICTURE.read_bytes()[8:12] == b"WEBP"
    assert PICTURE.stat().st_size < 80_000
