"""The peers start, answer and stop: where they do not, no end-to-end test means anything."""
import pathlib
import socket
import subprocess
import sys
import urllib.request

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import peers  # noqa: E402


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.read()


def test_nginx_serves_files_and_stops(tmp_path):
    with peers.nginx(tmp_path / "nginx") as nginx:
        (nginx.folder / "www/hello").write_text("hi")
        assert get(nginx.port, "/hello") == b"hi"
        assert get(nginx.port, "/any") == b"GET\n"
        assert b"host=127.0.0.1" in get(nginx.port, "/seen")
        put = ["curl", "-sf", "-X", "PUT", "--data-binary", "up", f"http://{nginx.address}/up"]
        subprocess.run(put, check=True, timeout=20)
        assert get(nginx.port, "/up") == b"up"
    assert nginx.process.returncode == 0
    assert not peers.answers(nginx.port)


def test_haproxy_passes_requests_on(tmp_path):
    with peers.nginx(tmp_path / "nginx") as nginx:
        with peers.haproxy(tmp_path / "haproxy", [nginx.address]) as haproxy:
            assert get(haproxy.port, "/any") == b"GET\n"
        assert not peers.answers(haproxy.port)


def test_redis_answers(tmp_path):
    with peers.redis(tmp_path / "redis") as redis:
        with socket.create_connection(("127.0.0.1", redis.port), 5) as connection:
            connection.sendall(b"PING\r\n")
            assert connection.recv(100) == b"+PONG\r\n"
    assert redis.process.returncode == 0


def test_raw_server_counts_connections():
    with peers.RawServer(lambda connection, number: connection.sendall(b"%d" % number)) as server:
        for number in (1, 2):
            with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
                assert connection.recv(10) == b"%d" % number


def test_a_peer_that_does_not_start_says_why(tmp_path):
    with pytest.raises(RuntimeError, match="ended with 3.*out of order"):
        peers.Peer("broken", tmp_path, ["sh", "-c", "echo out of order; exit 3"], 1)
