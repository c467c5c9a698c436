"""`make bundle`: the archive installs with the network off, and says in one line what is wrong with a broken one."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# A namespace of its own has no way out and no loopback until somebody switches it on (SIOCSIFFLAGS, up and running).
ALONE = (
    "import fcntl, os, socket, struct, sys\n"
    "with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_one:\n"
    "    fcntl.ioctl(any_one, 0x8914, struct.pack('16sh14x', b'lo', 0x41))\n"
    "os.execv(sys.argv[1], sys.argv[1:])\n"
)
NO_NETWORK = {"PIP_CONFIG_FILE": "/dev/null", "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}


def without_network(*command: str | Path) -> list[str]:
    """The command in a network namespace of its own where the machine allows one; elsewhere no address is reachable
    by name, and every proxy leads nowhere."""
    unshare = shutil.which("unshare")
    words = [str(word) for word in command]
    if unshare and subprocess.run([unshare, "-rn", "true"], check=False, capture_output=True).returncode == 0:
        return [unshare, "-rn", sys.executable, "-c", ALONE, *words]
    return words


def test_an_archive_installs_and_starts_with_the_network_off(tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "deploy/bundle.py", "--out", tmp_path / "out"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    (archive,) = (tmp_path / "out").iterdir()
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    tree = tmp_path / archive.name.removesuffix(".tar.gz")
    assert not [name for name in ("tests", "bench", ".ci", ".git", "var") if (tree / name).exists()]
    home = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHON": sys.executable, **NO_NETWORK}
    done = subprocess.run(
        without_network(tree / "check"), cwd=tree, env=home, capture_output=True, text=True, check=False, timeout=540
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split(":")[0] for line in done.stdout.splitlines() if line.startswith("ok")] == [
        "ok      whole", "ok      made for this machine", "ok      installed without a network",
        "ok      starts and answers",
    ]  # fmt: skip
    again = subprocess.run(
        [tree / ".venv/bin/python", "deploy/setup.py"], cwd=tree, env=home, capture_output=True, text=True, check=False
    )
    assert (again.returncode, again.stdout) == (0, "")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What `./check` looks at first: two files, their sums, and what the bundle was made for."""
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy" / "unpacked.py", tmp_path / "deploy")
    (tmp_path / "README.md").write_text("Xuanda")
    about = {"version": "0", "python": sysconfig.get_python_version(), "platform": sysconfig.get_platform()}
    (tmp_path / "bundle.json").write_text(json.dumps(about))
    lines = [f"{hashlib.sha256((tmp_path / n).read_bytes()).hexdigest()}  {n}" for n in ("README.md", "bundle.json")]
    (tmp_path / "SHA256SUMS").write_text("\n".join(lines) + "\n")
    return tmp_path


def check(tree: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "deploy/unpacked.py"], cwd=tree, capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stderr


def test_a_changed_file_is_named(tree: Path) -> None:
    (tree / "README.md").write_text("Xuanda.")
    code, said = check(tree)
    assert code == 1
    assert "README.md is not what was packed" in said


def test_a_missing_file_is_named(tree: Path) -> None:
    (tree / "README.md").unlink()
    code, said = check(tree)
    assert code == 1
    assert "README.md is missing" in said


@pytest.mark.parametrize("what", ["python", "platform"])
def test_another_machine_is_told_apart(tree: Path, what: str) -> None:
    about = json.loads((tree / "bundle.json").read_text()) | {what: "another"}
    (tree / "bundle.json").write_text(json.dumps(about))
    sums = tree / "SHA256SUMS"
    sums.write_text("")
    code, said = check(tree)
    assert code == 1
    assert f"the bundle is for {what} another" in said


def test_a_bundle_without_its_wheels_says_what_to_do(tmp_path: Path) -> None:
    for name in ("deploy/setup.py", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "bundle.lock").write_text(f"nowhere==1 --hash=sha256:{'0' * 64}\n")
    done = subprocess.run(
        [sys.executable, "deploy/setup.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1
    assert "run ./check" in done.stderr
    dev = subprocess.run(
        [sys.executable, "deploy/setup.py", "--dev"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "A bundle holds no tests" in dev.stderr
