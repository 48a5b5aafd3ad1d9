"""Files for other programs, tested with those programs: shells, man, nft."""

import os
import shutil
import subprocess

import pytest

PAGES = ["man8/belvedere.8.gz", "man5/belvedere.yaml.5.gz"]
# Loads a completion as the shell itself does, and completes `belvedere rel`.
SHELLS = {
    "bash": '. "$1"; COMP_WORDS=(belvedere rel); COMP_CWORD=1; COMP_LINE="belvedere rel"; COMP_POINT=13; '
    '$(complete -p belvedere | sed "s/.*-F \\([^ ]*\\).*/\\1/") belvedere rel belvedere; printf "%s\\n" "${COMPREPLY[@]}"',
    "fish": 'source $argv[1]; complete --do-complete "belvedere rel"',
    "zsh": 'fpath=("${1:h}" $fpath); autoload -Uz compinit; compinit -D -u; print -- ${_comps[belvedere]}; autoload +X -Uz _belvedere',
}
PLACES = {
    "bash": "bash-completion/completions/belvedere",
    "fish": "fish/vendor_completions.d/belvedere.fish",
    "zsh": "zsh/vendor-completions/_belvedere",
}


def there(tool):
    if not shutil.which(tool):
        pytest.skip(f"{tool} is not installed")
    return tool


@pytest.mark.parametrize("shell", SHELLS)
def test_completions_load_and_complete_the_commands(shell, tree, tmp_path):
    options = {"bash": ["--norc"], "fish": ["--no-config"], "zsh": ["--no-rcs"]}[shell]
    surroundings = os.environ | {
        "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "PATH": f"{tree}/usr/sbin:{os.environ['PATH']}",
    }  # fmt: skip
    arguments = ["-c", SHELLS[shell], *([] if shell == "fish" else [shell]), tree / "usr/share" / PLACES[shell]]
    run = subprocess.run([there(shell), *options, *arguments], env=surroundings, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
    if shell == "zsh":
        # zsh completes in a terminal only: the test checks that the file is found, loads, and is for this command.
        assert run.stdout.strip() == "_belvedere"
    else:
        assert sorted(line.split("\t")[0].strip() for line in run.stdout.splitlines()) == ["release", "reload"]


@pytest.mark.parametrize("page", PAGES)
def test_man_pages_are_formatted_without_a_warning(page, tree):
    command = [there("man"), "--warnings", "--local-file", "--encoding=utf8", tree / "usr/share/man" / page]
    run = subprocess.run(command, env=os.environ | {"MANWIDTH": "80", "LC_ALL": "C.UTF-8"}, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
    assert "belvedere" in run.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a network namespace")
def test_example_for_nftables_is_accepted(tree):
    rules = tree / "usr/share/doc/belvedere/examples/nftables.conf"
    subprocess.run(["unshare", "--net", there("nft"), "--check", "--file", rules], check=True, capture_output=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a network namespace")
def test_example_for_iptables_is_accepted(tree):
    there("iptables")
    script = tree / "usr/share/doc/belvedere/examples/iptables.sh"
    subprocess.run(["unshare", "--net", "sh", script], check=True, capture_output=True)
