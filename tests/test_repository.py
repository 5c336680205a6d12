"""What is committed fits every machine: no registry's address, no place on somebody's disk."""

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Any mirror must do, so no file says where packages come from; this one keeps to that too, and
# puts the names together from their parts.
_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("npm", "pkg", "github", "com"),
    )
]
REGISTRIES = re.compile(
    "|".join(map(re.escape, _HOSTS)) + "|--(?:extra-)?index" + "-url|--find" + "-links",
    re.IGNORECASE,
)
MACHINE_PATHS = re.compile(
    r"(?<![\w.$}/-])(?:/root/|/work/|/workspace/|/home/\w|/Users/\w|/tmp/\w|/opt/\w|[A-Z]:\\Users)"
)


def committed() -> list[Path]:
    """The files that git keeps."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("only a git checkout says what is committed")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    # A file that was removed is listed until that is committed.
    return [path for path in paths if path.is_file()]


def text_of(path: Path) -> str:
    """A file's text, also of one that is compressed; nothing of a picture."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    return "" if b"\0" in content else content.decode("utf-8", "replace")


@pytest.mark.parametrize("pattern", [REGISTRIES, MACHINE_PATHS], ids=["registries", "paths"])
def test_no_committed_file_names(pattern: re.Pattern[str]) -> None:
    files = committed()
    assert len(files) > 100
    found = {
        str(path.relative_to(ROOT)): match[0]
        for path in files
        if path != Path(__file__) and (match := pattern.search(text_of(path)))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (REGISTRIES, f"https://files.{_HOSTS[1]}/packages/x.whl"),
        (REGISTRIES, "--index" + "-url https://mirror.example.org"),
        (MACHINE_PATHS, 'open("/home/erika/x")'),
        (MACHINE_PATHS, "cd /root/app"),
    ],
)
def test_the_patterns_would_find_one(pattern: re.Pattern[str], text: str) -> None:
    assert pattern.search(text)


@pytest.mark.parametrize("text", ["app/home/x", "http://example.org/work/1", "./tmp/x"])
def test_addresses_and_own_folders_are_no_machine_paths(text: str) -> None:
    assert not MACHINE_PATHS.search(text)
