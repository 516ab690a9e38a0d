import os
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
pytest.register_assert_rewrite("harness")
import harness  # noqa: E402
import peers  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "smoke: also run with the sanitized binary in ./run test")
    config.addinivalue_line("markers", "timing: says nothing under a sanitizer")
    config.addinivalue_line("markers", "slow: more than five seconds")


def pytest_sessionstart(session):
    if not os.access(harness.GILIRAN, os.X_OK):
        pytest.exit(f"no program at {harness.GILIRAN}: ./run build, or set GILIRAN", 2)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Where a test fails, what its programs said is part of the report; their logs stay."""
    outcome = yield
    report = outcome.get_result()
    item.failed = getattr(item, "failed", False) or report.failed
    g = item.funcargs.get("g") if hasattr(item, "funcargs") else None
    if report.failed and g is not None:
        report.sections.append(("logs", str(g.folder)))
        for program in g.programs:
            report.sections.append((f"{program.name} stderr", program.err[-3000:]))


@pytest.fixture
def g(tmp_path, request):
    """giliran's roles; at the end everything must stop in time, without a crash."""
    roles = harness.Giliran(tmp_path)
    yield roles
    roles.stop()
    if not request.node.failed:
        shutil.rmtree(tmp_path, ignore_errors=True)  # some leave hundreds of MiB


@pytest.fixture
def nginx(tmp_path):
    with peers.nginx(tmp_path / "nginx") as running:
        yield running


@pytest.fixture
def redis(tmp_path):
    with peers.redis(tmp_path / "redis") as running:
        yield running


@pytest.fixture
def pair(g):
    """Two servers behind a coordinator: (coordinator, servers)."""
    servers = g.servers(2)
    return g.coordinator(*servers), servers
