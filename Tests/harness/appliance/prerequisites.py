"""The prerequisites of a machine: the right to create namespaces, a cgroup tree, and a cached root file system."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from harness import ROOT

CACHE = ROOT / ".build" / "appliance"

# systemd and the dependencies of the package, so that machines need no archive; an administrator's usual tools; and
# related services, which a test starts when it needs them.
PACKAGES = (
    "systemd,systemd-sysv,dbus,ca-certificates,libssl3,libyaml-0-2,libsystemd0,libstdc++6,iproute2,procps,curl,openssl,"
    "logrotate,nftables"
)  # fmt: skip
NEIGHBOURS = "firewalld,haproxy,keepalived,netbase,openssh-client,openssh-server,rsyslog"


def missing_requirement():
    """The reason why no machine can be booted here, or None."""
    if os.geteuid() != 0:
        return "only root can boot machines in namespaces"
    if control_groups() is None:
        return "there is no cgroup2 file system to put machines into"
    for tool in ("unshare", "nsenter", "ip", "mmdebstrap"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    tried = subprocess.run(["unshare", "-fpmnuiC", "true"], capture_output=True, text=True)
    return None if tried.returncode == 0 else f"namespaces can't be made: {tried.stderr.strip()}"


def control_groups():
    """The mount point of the cgroup2 hierarchy."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(place)
    return None


def root_file_system():
    """A minimal Debian 12, created by the first call and cached."""
    key = hashlib.sha256(f"{PACKAGES} {NEIGHBOURS}".encode()).hexdigest()[:12]
    root = CACHE / f"bookworm-{key}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w") as lock:
        # A second process waits here, and finds the file system complete.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            print(f"making {root} with mmdebstrap; later runs use it again")
            draft = CACHE / "draft"
            shutil.rmtree(draft, ignore_errors=True)
            subprocess.run(
                ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES},{NEIGHBOURS}",
                 '--customize-hook=chroot "$1" systemctl disable firewalld haproxy keepalived rsyslog ssh', "bookworm", str(draft)],
                check=True,
            )  # fmt: skip
            draft.rename(root)
    return root
