"""The alerts of the package, each with series for which it fires and series for which it does not."""

import json
import shutil
import subprocess

import pytest
from harness.prometheus import alerts

pytestmark = pytest.mark.once

# When the alerts are looked at: longer than each of them waits, and the time of the series in seconds.
MINUTES = 13 * 60
NOW = MINUTES * 60
DAY = 86400

A, B = 'job="belvedere",instance="lb1:9350"', 'job="belvedere",instance="lb2:9350"'
SERVER = f'{A},service="view",server="view01"'
ROUTER_A, ROUTER_B = f'{A},router="view",interface="eth0",vrid="51"', f'{B},router="view",interface="ens3",vrid="51"'
# IPv4 and IPv6 have VRIDs of their own.
OTHER_ROUTER = f'{A},router="view-v6",interface="eth0",vrid="51"'

UP = f"up{{{A}}}", f"up{{{B}}}"
ACTIVE = [f'belvedere_vrrp_state{{{router},state="active"}}' for router in (ROUTER_A, ROUTER_B, OTHER_ROUTER)]


def state(word, server=SERVER):
    return f'belvedere_server_state{{{server},state="{word}"}}'


def removed(server=SERVER):
    return f"belvedere_server_removed{{{server}}}"


def case(fires, *quiet):
    """Series by name: for which the alert fires, and for which it does not."""
    return fires, quiet


def simple(series, fires, quiet):
    """One series, with a value or promtool's notation for a growing one."""
    return case({series: fires}, {series: quiet}, {})


def growing(step):
    return f"0+{step}x{MINUTES}"


RULES = alerts()
CASES = {
    "BelvedereUnreachable": case({UP[0]: 0}, {UP[0]: 1}, {'up{job="node",instance="lb1:9100"}': 0}),
    "BelvedereDown": simple(f"belvedere_up{{{A}}}", 0, 1),
    "BelvedereNotServing": simple(f'belvedere_state{{{A},state="serving"}}', 0, 1),
    "BelvedereWorkerRestarts": simple(f"belvedere_worker_start_timestamp_seconds{{{A}}}", growing(1), 5),
    "BelvedereNoServer": case(
        {state("up"): 0, state("up", SERVER.replace("01", "02")): 0},
        {state("up"): 0, state("up", SERVER.replace("01", "02")): 1},
        # The only one that is up is removed: no new client gets there.
        {state("up"): 1, removed(): 0, state("up", SERVER.replace("01", "02")): 0},
    ),
    "BelvedereServerDown": case(
        {state("down"): 1, removed(): 0}, {state("down"): 0, removed(): 0}, {state("down"): 1, removed(): 1}
    ),
    "BelvedereServerInMaintenance": case(
        {state("maintenance"): 1, removed(): 0},
        {state("maintenance"): 0, state("up"): 1},
        {state("drain"): 1, removed(): 1},
        {state("drain"): f"0x{MINUTES - 600} 1x600"},
    ),
    "BelvedereServiceInMaintenance": simple(f'belvedere_service_maintenance{{{A},service="view"}}', 1, 0),
    "BelvedereRequestsWait": simple(f"belvedere_server_queue{{{SERVER}}}", 3, 0),
    "BelvedereServerErrors": case(
        {f'belvedere_service_responses_total{{{A},service="view",code="{code}"}}': growing(10) for code in ("2xx", "5xx")},
        {f'belvedere_service_responses_total{{{A},service="view",code="{code}"}}': growing(step)
         for code, step in (("2xx", 1000), ("5xx", 10))},
        {f'belvedere_service_responses_total{{{A},service="view",code="5xx"}}': growing(10),
         f'belvedere_service_maintenance{{{A},service="view"}}': 1},
        {f'belvedere_service_responses_total{{{A},service="view",code="5xx"}}': 1000},
    ),  # fmt: skip
    "BelvedereConnectionsNearLimit": case(
        {f"belvedere_connections{{{A}}}": 900, f"belvedere_connections_limit{{{A}}}": 1000},
        {f"belvedere_connections{{{A}}}": 700, f"belvedere_connections_limit{{{A}}}": 1000},
    ),
    "BelvedereLogLinesDropped": simple(f"belvedere_access_log_dropped_lines_total{{{A}}}", growing(1), 1000),
    "BelvedereCertificateExpires": simple(
        f'belvedere_certificate_not_after_timestamp_seconds{{{A},file="a.pem"}}', NOW + 13 * DAY, NOW + 15 * DAY
    ),
    "BelvedereCertificateExpiresSoon": simple(
        f'belvedere_certificate_not_after_timestamp_seconds{{{A},file="a.pem"}}', NOW + 2 * DAY, NOW + 4 * DAY
    ),
    "BelvedereObserverCertificateExpires": simple(
        f"belvedere_observer_certificate_not_after_timestamp_seconds{{{A}}}", NOW + 13 * DAY, NOW + 15 * DAY
    ),
    "BelvedereServerCertificateExpires": case(
        {f"belvedere_server_certificate_not_after_timestamp_seconds{{{SERVER}}}": NOW + 13 * DAY, removed(): 0},
        {f"belvedere_server_certificate_not_after_timestamp_seconds{{{SERVER}}}": NOW + 15 * DAY, removed(): 0},
        {f"belvedere_server_certificate_not_after_timestamp_seconds{{{SERVER}}}": NOW + 13 * DAY, removed(): 1},
    ),
    "BelvedereClientAuthorityExpires": simple(
        f'belvedere_client_authority_not_after_timestamp_seconds{{{A},file="ca.pem"}}', NOW + 29 * DAY, NOW + 31 * DAY
    ),
    "BelvedereRevocationListExpires": case(
        {f'belvedere_revocation_list_next_update_timestamp_seconds{{{A},file="crl.pem"}}': NOW + DAY / 4},
        {f'belvedere_revocation_list_next_update_timestamp_seconds{{{A},file="crl.pem"}}': NOW + DAY},
    ),
    "BelvedereAccessRefuses": case(
        {f'belvedere_service_access_refused_total{{{A},service="view",rule="access"}}': growing(120)},
        # A user who mistypes; a scan of five minutes that has just ended, and one between two scrapes.
        {f'belvedere_service_access_refused_total{{{A},service="view",rule="access.paths"}}': growing(6)},
        {f'belvedere_service_access_refused_total{{{A},service="view",rule="access.paths"}}': f"0x{MINUTES - 10} 0+1000x5 5000x5"},
        {f'belvedere_service_access_refused_total{{{A},service="view",rule="access.paths"}}': f"0x{MINUTES - 5} 10000x5"},
    ),
    "BelvedereNoActive": case(
        {UP[0]: 1, UP[1]: 1, ACTIVE[0]: 0, ACTIVE[1]: 0, ACTIVE[2]: 1},
        {UP[0]: 1, UP[1]: 1, ACTIVE[0]: 0, ACTIVE[1]: 1},
        # The node that Prometheus can't reach may have the address.
        {UP[0]: 1, UP[1]: 0, ACTIVE[0]: 0},
        # A scrape between the two nodes' changes.
        {UP[0]: 1, UP[1]: 1, ACTIVE[0]: f"1x{MINUTES - 1} 0x10", ACTIVE[1]: f"0x{MINUTES} 1x10"},
    ),
    "BelvedereTwoActive": case(
        {ACTIVE[0]: 1, ACTIVE[1]: 1},
        {ACTIVE[0]: 1, ACTIVE[1]: 0, ACTIVE[2]: 1},
        {ACTIVE[0]: 1, ACTIVE[1].replace('job="belvedere"', 'job="belvedere-site2"'): 1},
        {ACTIVE[0]: f"1x{MINUTES} 0x10", ACTIVE[1]: f"0x{MINUTES - 1} 1x10"},
    ),
    "BelvedereAddressMoves": simple(
        f'belvedere_vrrp_transitions_total{{{ROUTER_A},state="active"}}', growing(1), f"0x{MINUTES - 2} 1x10"
    ),
    "BelvedereRouterFault": simple(f"belvedere_vrrp_faults{{{ROUTER_A}}}", 1, 0),
    "BelvederePeerUnheard": simple(f"belvedere_vrrp_peer_unheard{{{ROUTER_A}}}", 1, 0),
    "BelvedereLateTimers": simple(f"belvedere_vrrp_timers_late_total{{{A}}}", growing(2), 1000),
    "BelvedereNodeDown": simple(f'belvedere_pair_node_up{{{A},node="lb2"}}', 0, 1),
    "BelvedereNodesDiffer": simple(
        f'belvedere_pair_differences{{{A},node="lb2",subject="release"}}', 1, f"0x{MINUTES - 30} 1x30"
    ),
}


def test_every_alert_has_a_case():
    assert [rule["alert"] for rule in RULES] == list(CASES)


@pytest.mark.parametrize("name", CASES)
def test_alert_fires_for_what_it_is_meant_for_and_for_nothing_else(tmp_path, name):
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed (Debian: prometheus)")
    fires, quiet = CASES[name]
    # The others would take time.
    alone, file = tmp_path / "rule.json", tmp_path / "cases.json"
    alone.write_text(json.dumps({"groups": [{"name": name, "rules": [rule for rule in RULES if rule["alert"] == name]}]}))
    tests = [
        {
            "name": f"{name} {number}",
            "interval": "1m",
            "input_series": [
                {"series": series, "values": value if isinstance(value, str) else f"{value}x{MINUTES}"}
                for series, value in values.items()
            ],
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{name}",alertstate="firing"}})',
                    "eval_time": f"{MINUTES}m",
                    "exp_samples": [{"labels": "{}", "value": 1}] if number == 0 else [],
                }
            ],
        }
        for number, values in enumerate([fires, *quiet])
    ]
    file.write_text(json.dumps({"rule_files": [str(alone)], "evaluation_interval": "1m", "tests": tests}))
    run = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
