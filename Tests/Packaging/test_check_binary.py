"""packaging/check-binary accepts a hardened binary, and refuses one that lacks any hardening."""

import shutil
import subprocess

import pytest
from harness import ROOT

CHECK = ROOT / "packaging/check-binary"
COMPILER = shutil.which("cc") or "clang"

SOURCE = """
#include <stdio.h>
#include <string.h>
int main(int count, char **words) {
  char word[16];
  strcpy(word, words[count - 1]);
  return puts(word);
}
"""
HARDENED = [
    "-O2", "-fPIE", "-pie", "-fstack-protector-strong", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2",
    "-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack",
]  # fmt: skip


@pytest.fixture
def build(tmp_path):
    def build(*options, source=SOURCE, name="program"):
        (tmp_path / f"{name}.c").write_text(source)
        run = subprocess.run(
            [COMPILER, "-w", *HARDENED, f"{name}.c", "-o", name, *options], cwd=tmp_path, capture_output=True, text=True
        )
        assert run.returncode == 0, run.stderr
        return tmp_path / name

    return build


def check(binary):
    return subprocess.run([CHECK, binary], capture_output=True, text=True)


def test_hardened_binary_passes(build):
    run = check(build())
    assert run.returncode == 0, run.stderr
    assert "libc.so.6" in run.stdout


@pytest.mark.parametrize(
    "options, fault",
    [
        (["-fno-pie", "-no-pie"], "it is not position-independent"),
        (["-Wl,-z,norelro"], "it has no RELRO segment"),
        (["-Wl,-z,lazy"], "its symbols are bound lazily"),
        (["-Wl,-z,execstack"], "its stack is executable"),
        (["-fno-stack-protector"], "its C code has no stack protector"),
        (["-U_FORTIFY_SOURCE"], "its C code is not fortified"),
        (["-Wl,-rpath,/opt/lib"], "it has a run path"),
        (["-Wl,--disable-new-dtags,-rpath,/opt/lib"], "it has a run path"),
    ],
)
def test_binary_without_a_hardening_is_refused(build, options, fault):
    refused_for(build(*options), fault)


def test_shared_object_is_refused(build):
    refused_for(build("-shared", "-fPIC"), "it is not position-independent")


def test_binary_with_the_build_path_is_refused(build):
    place = ROOT / "Sources/COpenSSL"
    refused_for(build(source=SOURCE.replace("puts(word)", f'puts(words[1] ? word : "{place}")')), "it names the folder")


def test_dependency_on_another_library_is_refused(build):
    build("-shared", "-fPIC", "-nostartfiles", source="int stray(void) { return 0; }", name="libstray.so")
    refused_for(build("-Wl,--no-as-needed", "-L.", "-lstray"), "it needs libstray.so")


def test_dependency_on_a_newer_glibc_is_refused(build):
    source = SOURCE.replace("return puts(word)", 'extern float hypotf(float, float); return puts(word) + (int)hypotf(count, count)')
    binary = build("-fno-builtin", "-lm", source=source)
    if "GLIBC_2.35" not in subprocess.run(["objdump", "-T", binary], capture_output=True, text=True).stdout:
        pytest.skip("this machine's glibc has no symbol that is newer than 2.34")
    refused_for(binary, "it needs GLIBC_2.35 (hypotf)")


def test_text_relocations_are_refused(build):
    source = SOURCE + '\n__asm__(".text\\n.balign 8\\n.quad main\\n");\n'
    refused_for(build("-Wl,-z,notext", source=source), "it has text relocations")


def refused_for(binary, fault):
    run = check(binary)
    assert run.returncode == 1
    # For this reason only.
    faults = [line.split(": ", 1)[1] for line in run.stderr.splitlines()]
    assert [line for line in faults if not line.startswith(fault)] == [], run.stderr
    assert faults, run.stdout
