"""The content of both packages is the same, in the format of each system, and reproducible."""

import os
import re
import subprocess

import pytest


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


@pytest.mark.parametrize("kind", ["deb", "rpm"])
def test_same_tree_gives_identical_packages(kind, request, packaging, tree, tmp_path):
    # In another folder, time zone and locale, with another umask.
    surroundings = os.environ | {"TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8", "HOME": str(tmp_path)}
    said = run(packaging / kind, tree, tmp_path / "again", env=surroundings, cwd=tmp_path, umask=0o027)
    again = tmp_path / "again" / said.strip().rpartition("/")[2]
    assert again.name == request.getfixturevalue(kind).name
    assert again.read_bytes() == request.getfixturevalue(kind).read_bytes()


def files_of_rpm(rpm):
    """Path to (mode, owner, group, flags)."""
    lines = run("rpm", "-qp", "--qf", "[%{FILEMODES:perms} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILEFLAGS:fflags}, %{FILENAMES}\n]", rpm)  # fmt: skip
    rows = (re.fullmatch(r"(\S+) (\S+) (\S+) (\S*), (.*)", line).groups() for line in lines.splitlines())
    return {row[4]: row[:4] for row in rows}


def files_of_deb(deb):
    lines = run("dpkg-deb", "--contents", deb).splitlines()
    return {line.split()[5].removeprefix(".") for line in lines if not line.startswith("d")}


def test_both_packages_install_the_same_files(deb, rpm):
    found = {path for path, row in files_of_rpm(rpm).items() if not row[0].startswith("d")}
    # Each system has its own folder for licences, its own changelog, and another folder for zsh.
    own = {
        "/usr/share/doc/belvedere/changelog.Debian.gz",
        "/usr/share/doc/belvedere/copyright",
        "/usr/share/lintian/overrides/belvedere",
        "/usr/share/zsh/vendor-completions/_belvedere",
    }
    assert files_of_deb(deb) - own == found - {
        "/usr/share/licenses/belvedere/LICENSE",
        "/usr/share/zsh/site-functions/_belvedere",
    }
    for path in ["/usr/sbin/belvedere", "/usr/lib/systemd/system/belvedere.service", "/etc/belvedere/belvedere.yaml",
                 "/usr/lib/firewalld/services/belvedere.xml", "/usr/share/man/man8/belvedere.8.gz"]:  # fmt: skip
        assert path in found


def test_rpm_keeps_changed_configuration_files_and_protects_keys(rpm):
    files = files_of_rpm(rpm)
    for path, (mode, owner, group, flags) in files.items():
        assert (flags == "cn") == (path.startswith("/etc/") and not mode.startswith("d")), path
        assert "w" not in mode[5:], path
        if path not in [
            "/etc/belvedere", "/etc/belvedere/tls", "/var/lib/belvedere", "/var/lib/belvedere/worker", "/var/log/belvedere",
        ]:  # fmt: skip
            assert (owner, group) == ("root", "root"), path
    assert files["/etc/belvedere/tls"][:3] == ("drwxr-x---", "root", "belvedere")
    assert files["/var/lib/belvedere"][:3] == ("drwx------", "belvedere", "belvedere")


def test_rpm_depends_on_libraries_of_enterprise_linux_9_only(rpm):
    needs = run("rpm", "-qp", "--requires", rpm).splitlines()
    libraries = {re.sub(r"\(.*", "", need) for need in needs if ".so" in need}
    assert libraries <= {
        "libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1",
        "libssl.so.3", "libcrypto.so.3", "libsystemd.so.0", "libyaml-0.so.2",
    }  # fmt: skip
    versions = re.findall(r"GLIBC_2\.(\d+)", " ".join(needs))
    assert max(map(int, versions)) <= 34
    assert {"systemd >= 252", "shadow-utils", "util-linux"} <= set(needs)


def test_rpm_is_installed_into_a_root_and_removed_completely(rpm, tmp_path):
    root = tmp_path / "root"
    command = ["rpm", "--root", root, "--dbpath", "/var/lib/rpm"]
    # That root has no packages for dependencies, and no shell for scripts.
    install = [*command, "-i", "--nodeps", "--noscripts", rpm]
    (root / "var/lib/rpm").mkdir(parents=True)
    run(*command, "--initdb")
    run(*install, "--test")
    assert not (root / "usr").exists()
    run(*install)
    assert (root / "usr/sbin/belvedere").stat().st_mode & 0o777 == 0o755
    (root / "etc/belvedere/belvedere.yaml").write_text("service: view.domain.local\n")
    run(*command, "-e", "--noscripts", "belvedere")
    left = {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}
    assert {path for path in left if not path.startswith("var/lib/rpm")} == {"etc/belvedere/belvedere.yaml.rpmsave"}


def test_rpmlint_reports_nothing(rpm, packaging):
    assert "0 errors, 0 warnings" in run("rpmlint", "--config", packaging / "rpmlint.toml", rpm)
