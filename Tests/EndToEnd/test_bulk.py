"""Large bodies arrive with the same SHA-256. `make soak` runs these at full length."""

import hashlib
import os
import subprocess

import pytest

pytestmark = pytest.mark.memory

# One GiB with BELVEDERE_TEST_BULK=1024; a quarter by default, which also a debug build moves in seconds.
BULK = int(os.environ.get("BELVEDERE_TEST_BULK", "256")) << 20


@pytest.fixture(scope="module")
def blob(tmp_path_factory):
    """A file of BULK random-looking bytes and its SHA-256."""
    path = tmp_path_factory.mktemp("bulk") / "blob"
    digest = hashlib.sha256()
    with open(path, "wb") as file:
        source = subprocess.Popen(
            ["openssl", "enc", "-aes-128-ctr", "-K", "00" * 16, "-iv", "00" * 16, "-in", "/dev/zero"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        left = BULK
        while left:
            block = source.stdout.read(min(1 << 20, left))
            left -= len(block)
            file.write(block)
            digest.update(block)
        source.kill()
        source.wait()
        source.stdout.close()
    yield path, digest.hexdigest()
    path.unlink()


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def curl(balancer, *arguments):
    command = [
        "curl", "--silent", "--show-error", "--fail", "--cacert", str(balancer.certificates.authority.certificate),
        "--resolve", f"view.test:{balancer.port}:{balancer.address}", *map(str, arguments),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, f"{done.stderr}\n{balancer.log}"
    return done.stdout


@pytest.mark.soak
def test_large_download_arrives_with_equal_sha_256(testbed, blob):
    path, digest = blob
    nginx = testbed.nginx("view01")
    os.symlink(path, nginx.root / "blob")
    balancer = testbed.balance(nginx)
    target = testbed.directory / "downloaded"
    curl(balancer, "--output", target, f"https://view.test:{balancer.port}/blob/blob")
    assert target.stat().st_size == BULK and sha256(target) == digest
    target.unlink()


@pytest.mark.soak
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_large_upload_arrives_with_equal_sha_256(testbed, blob, framing):
    path, digest = blob
    nginx = testbed.nginx("view01")
    balancer = testbed.balance(nginx)
    fields = ["--header", "Transfer-Encoding: chunked"] if framing == "chunked" else []
    curl(balancer, "--upload-file", path, *fields, f"https://view.test:{balancer.port}/blob/uploaded")
    uploaded = nginx.root / "uploaded"
    assert uploaded.stat().st_size == BULK and sha256(uploaded) == digest
    uploaded.unlink()
