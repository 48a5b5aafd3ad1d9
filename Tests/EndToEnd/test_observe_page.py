"""The page of `belvedere observe`, in a browser."""

import pytest
from harness.accessibility import assert_accessible, headings_out_of_order, low_contrast, nameless, structural_faults
from harness.browser import Browser
from harness.client_certificates import settings
from harness.observer import Observer
from harness.waiting import free_port, fresh_address

pytestmark = pytest.mark.once

STATE = "document.querySelector('[data-server=\"{}\"]')?.dataset.state"


@pytest.fixture
def opened(testbed, tmp_path):
    """Starts a balancer, its observer, and a browser that shows the page."""
    ends = []

    def start(*servers, **changes):
        balancer = testbed.balance(*servers, start=False, observe={}, **changes)
        observer = Observer(balancer)
        ends.append(observer.stop)
        balancer.start()
        observer.start()
        browser = Browser(tmp_path)
        ends.append(browser.close)
        browser.open(f"http://{observer.address}:{observer.port}/")
        browser.wait_for("report !== null")
        return balancer, browser

    yield start
    for end in reversed(ends):
        end()


def test_page_shows_with_the_next_report_that_a_server_has_died(opened, testbed):
    first, second = testbed.server("view01"), testbed.server("view02")
    balancer, browser = opened(first, second, health={"interval": "100ms", "jitter": "0s", "fall": 1})
    for name in ("view01", "view02"):
        browser.wait_for(STATE.format(name) + " === 'up'")
    assert browser.value("document.getElementById('notice').hidden")
    # After each report, the service's time of it and whether the page shows the death by then.
    browser.value(
        "globalThis.taken = [];"
        "source.addEventListener('report', () => taken.push([Date.parse(report.time), "
        + STATE.format("view02")
        + " === 'down']))"
    )
    second.stop()
    browser.wait_for("taken.some(([, isShown]) => isShown)")
    changed = browser.value("Date.parse(report.servers.find(server => server.name === 'view02').since)")
    # There is a report each second: the first one after the death shows it.
    assert [time for time, is_shown in browser.value("taken") if time > changed and not is_shown] == []
    assert "view02 is down: " in browser.value("document.getElementById('changes').textContent")
    assert browser.value("document.title").startswith("! ")
    assert not browser.faults


def test_page_says_that_its_data_is_old_and_recovers(opened, testbed, tmp_path):
    balancer, browser = opened(testbed.server())
    balancer.wait_until_serving().stop()
    notice = "document.getElementById('notice')"
    browser.wait_for(f"!{notice}.hidden")
    assert "old: the service does not report" in browser.value(f"{notice}.textContent")
    # Only what is read out once is an alert.
    assert browser.value("/^Its age: \\d+ s\\.$/.test(byId('age').textContent) && !byId('age').closest('[role], [aria-live]')")
    browser.picture(tmp_path / "old.png")
    assert_accessible(browser)
    balancer.start().wait_until_serving()
    browser.wait_for(f"{notice}.hidden")
    assert not browser.faults


def test_page_connects_again_after_an_answer_that_is_no_stream(opened, testbed):
    _, browser = opened(testbed.server())
    # As after a status other than 200, where the browser gives up.
    browser.value("globalThis.former = source; source.close()")
    browser.wait_for("source !== former && source.readyState === EventSource.OPEN")
    # As after the machine has vanished.
    browser.value("globalThis.former = source; heard -= 15001; watch()")
    assert browser.value("source !== former && former.readyState === EventSource.CLOSED")
    assert not browser.faults


def test_report_that_can_not_be_drawn_does_not_count_as_new(opened, testbed):
    _, browser = opened(testbed.server())
    assert browser.value("received = 1; source.dispatchEvent(new MessageEvent('report', { data: '{}' })); received") == 1
    browser.wait_for("received > 1")


def test_page_of_another_version_loads_itself_again(opened, testbed):
    _, browser = opened(testbed.server())
    browser.value("globalThis.isFormer = true; source.dispatchEvent(new MessageEvent('version', { data: 'another' }))")
    browser.wait_for("!globalThis.isFormer && report !== null")
    assert not browser.faults


def test_sections_that_come_and_go_leave_the_others_as_they_are(opened, testbed):
    _, browser = opened(testbed.server())
    assert browser.value("""(() => {
        const others = ["servers", "certificates", "problems"].map(byId);
        byId("filter").focus();
        const service = { name: "view", mode: "terminate", names: [], listeners: [] };
        return [[service], []].every(services => {
          report.services = services;
          render();
          const order = [...byId("sections").children].map(section => section.id).join(" ");
          return order === (services.length ? "services " : "") + "servers certificates problems"
            && others.every(section => byId(section.id) === section) && document.activeElement === byId("filter");
        });
    })()""")
    assert not browser.faults


def test_removed_servers_are_not_counted(opened, testbed):
    _, browser = opened(testbed.server("view01"))
    browser.wait_for(STATE.format("view01") + " === 'up'")
    assert browser.value("""(() => {
        report.servers.push({ ...report.servers[0], state: "down", removed: true });
        render();
        return document.title.startsWith("Belvedere") && byId("figures").textContent.startsWith("Servers up1 of 1");
    })()""")
    assert not browser.faults


def test_page_fits_a_phone_and_shows_200_servers(opened, testbed, tmp_path):
    address = fresh_address()
    # Most of them do not exist.
    servers = {f"view{number:03}": {"address": address, "port": free_port(address)} for number in range(199)}
    balancer, browser = opened(testbed.server("real"), servers=servers, trust="insecure-no-verification")
    browser.wait_for("document.querySelectorAll('#servers tbody tr').length === 200")
    browser.wait_for("document.querySelectorAll('[data-state=down]').length === 199")
    for width, scheme in ((1280, "light"), (390, "dark")):
        browser.resize(width, 900)
        browser.prefer(scheme)
        assert browser.value("document.documentElement.scrollWidth <= innerWidth"), width
        browser.picture(tmp_path / f"servers-{width}.png")
    # The first figure is seen without scrolling.
    head = "[...document.querySelectorAll('#servers thead th')].find(head => head.textContent === 'Sessions')"
    assert browser.value(f"{head}.getBoundingClientRect().right <= innerWidth")
    assert_accessible(browser)
    browser.value("document.getElementById('filter').value = 'real'; document.getElementById('filter').dispatchEvent(new Event('input', { bubbles: true }))")  # fmt: skip
    assert browser.value("document.querySelectorAll('#servers tbody tr').length") == 1
    assert browser.value("document.getElementById('count').textContent") == "1 of 200 shown"
    assert not browser.faults


def test_page_has_structure_for_screen_readers_and_is_used_by_keyboard(opened, testbed):
    balancer, browser = opened(testbed.server("view01"), testbed.server("view02"))
    browser.wait_for(STATE.format("view01") + " === 'up'")
    roles = browser.roles
    for role, name in [
        ("heading", "Servers"), ("heading", "Certificates"), ("heading", "Recent problems"), ("table", "Servers"),
        ("columnheader", "State"), ("rowheader", "view01"), ("rowheader", "view02"), ("link", "Skip to the servers"),
        ("main", ""), ("searchbox", "Filter"),
    ]:  # fmt: skip
        assert (role, name) in roles, (role, name)
    assert any(role in ("image", "img") and name.startswith("sessions of view01") for role, name in roles)
    # Every scrolling part can be focused, and the focus stays when new data comes.
    browser.value("document.getElementById('filter').focus()")
    before = browser.value("report.time")
    browser.wait_for(f"report.time !== '{before}'")
    assert browser.value("document.activeElement.id") == "filter"
    assert browser.value("[...document.querySelectorAll('.scroll')].every(part => part.tabIndex === 0)")


@pytest.mark.parametrize(
    "act, check, fault",
    [
        ("byId('summary').style.color = '#888'", low_contrast, "3.54: SPAN dim"),
        ("byId('filter').style.background = '#999'", low_contrast, "the placeholder of filter"),
        ("document.body.append(make('button'))", nameless, "button"),
        ("document.body.append(make('h4', {}, 'too deep'))", headings_out_of_order, "too deep: 4 after 2"),
        ("document.querySelector('caption').remove()", structural_faults, "a table has no caption"),
        ("document.querySelector('thead th').removeAttribute('scope')", structural_faults, "Servers: a column has no header"),
        ("document.querySelector('tbody tr').lastChild.remove()", structural_faults, "Servers: a row has 12 cells of 13"),
        ("byId('title').id = 'filter'", structural_faults, "an id is used twice"),
    ],
)  # fmt: skip
def test_accessibility_check_finds_a_fault(opened, testbed, act, check, fault):
    balancer, browser = opened(testbed.server("view01"))
    browser.prefer("light")
    assert not check(browser)
    # The next report would repair it.
    browser.value(f"source.close(); source = {{ readyState: 1 }}; {act}")
    assert any(fault in found for found in check(browser)), check(browser)


def test_page_is_answered_with_a_policy_that_allows_itself_only(observed_page):
    answer = observed_page
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-") and "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.fixture
def observed_page(testbed):
    balancer = testbed.balance(testbed.server(), start=False, observe={})
    observer = Observer(balancer)
    balancer.start()
    observer.start()
    yield observer.ask("/")
    observer.stop()


def test_page_shows_what_certificates_of_clients_are_verified_with(opened, testbed, authority):
    _, browser = opened(testbed.server("view01"), tls=settings(authority, required=False))
    browser.wait_for("document.getElementById('certificates')?.innerText.includes('authority of clients: CN=Clients CA')")
    assert browser.faults == []
