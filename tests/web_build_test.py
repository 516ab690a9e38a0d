"""The program is built also where npm or its registry is missing: with pages that say so."""
import base64
import hashlib
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parent.parent
PLAIN = (ROOT / "web/plain_assets.cc").read_text()


def web_build(folder, step, npm, **env):
    return subprocess.run(
        ["cmake", f"-DNPM={npm}", f"-DFROM={ROOT / 'web'}", f"-DIN={folder}",
         "-P", ROOT / "cmake/web_build.cmake", step],
        capture_output=True, text=True, timeout=120, env=dict(os.environ, **env))


def made(folder):
    return (folder / "dist/page_assets.cc").read_text()


def test_without_npm_pages_are_plain_and_the_build_says_so(tmp_path):
    packages = web_build(tmp_path, "packages", "")
    assert packages.returncode == 0
    assert "pages: without plots" in packages.stderr and "apt-get install" in packages.stderr
    assert not (tmp_path / "packages.stamp").exists(), "the next build is to try again"
    assert web_build(tmp_path, "page", "").returncode == 0
    assert made(tmp_path) == PLAIN


@pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm here")
def test_a_registry_out_of_reach_is_given_up_soon(tmp_path):
    packages = web_build(tmp_path, "packages", shutil.which("npm"),
                         npm_config_registry="http://127.0.0.1:9/",  # nobody listens there
                         npm_config_cache=str(tmp_path / "cache"))
    assert packages.returncode == 0, packages.stderr
    assert "registry cannot be reached" in packages.stderr
    assert web_build(tmp_path, "page", shutil.which("npm")).returncode == 0
    assert made(tmp_path) == PLAIN


def test_the_plain_script_may_run(tmp_path):
    """By the hash in the page's Content-Security-Policy; and it is JavaScript."""
    script = re.search(r'kPageScript = R"giliran\((.*?)\)giliran"', PLAIN, re.DOTALL).group(1)
    said = re.search(r'Sha256 = "(.*?)"', PLAIN).group(1)
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() == said
    assert "</script" not in script
    if shutil.which("node"):
        (tmp_path / "plain.js").write_text(script)
        subprocess.run(["node", "--check", tmp_path / "plain.js"], check=True, timeout=60)
