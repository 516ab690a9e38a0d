"""What cannot be read one way only is refused, recorded, and reaches nobody behind."""
import re
import socket
import threading

import pytest
from harness import SLOW, await_records, curl, exchange, records, status_of
from peers import RawServer, read_head

GET = b"GET / HTTP/1.1\r\nHost: h\r\n"
POST = b"POST / HTTP/1.1\r\nHost: h\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"

# name, bytes, status, the parser's word for it
REQUESTS = [
    ("length-and-chunked", POST + b"Content-Length: 4\r\n" + CHUNKED + b"\r\n0\r\n\r\n", 400,
     "conflicting-length"),
    ("chunked-and-length", POST + CHUNKED + b"Content-Length: 4\r\n\r\n0\r\n\r\n", 400,
     "conflicting-length"),
    ("two-lengths", POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde", 400,
     "bad-content-length"),
    ("list-of-lengths", POST + b"Content-Length: 4, 5\r\n\r\nabcde", 400, "bad-content-length"),
    ("length-plus", POST + b"Content-Length: +4\r\n\r\nabcd", 400, "bad-content-length"),
    ("length-minus", POST + b"Content-Length: -1\r\n\r\n", 400, "bad-content-length"),
    ("length-hex", POST + b"Content-Length: 0x4\r\n\r\nabcd", 400, "bad-content-length"),
    ("length-empty", POST + b"Content-Length: \r\n\r\n", 400, "bad-content-length"),
    ("length-overflow", POST + b"Content-Length: 18446744073709551617\r\n\r\n", 400,
     "bad-content-length"),
    ("te-unknown", POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400,
     "bad-transfer-encoding"),
    ("te-gzip-chunked", POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501,
     "unsupported-transfer-encoding"),
    ("te-chunked-not-last", POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400,
     "bad-transfer-encoding"),
    ("te-twice", POST + CHUNKED * 2 + b"\r\n0\r\n\r\n", 400,
     "bad-transfer-encoding"),
    ("te-in-1.0", b"POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
     "bad-transfer-encoding"),
    ("te-vertical-tab", POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n", 400, None),
    ("space-before-colon", POST + b"Content-Length : 4\r\n\r\nabcd", 400, "bad-field-name"),
    ("field-without-name", GET + b": x\r\n\r\n", 400, "bad-field-name"),
    ("field-without-colon", GET + b"abc\r\n\r\n", 400, "bad-field-name"),
    ("folded", GET + b"A: b\r\n c\r\n\r\n", 400, "obsolete-folding"),
    ("nul", GET + b"A: b\0c\r\n\r\n", 400, "nul"),
    ("bare-cr", GET + b"A: b\rc\r\n\r\n", 400, "bare-cr"),
    ("bare-lf", b"GET / HTTP/1.1\nHost: h\n\n", 400, "bare-lf"),
    ("no-host", b"GET / HTTP/1.1\r\n\r\n", 400, "missing-host"),
    ("two-hosts", GET + b"Host: other\r\n\r\n", 400, "duplicate-host"),
    ("bad-host", b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "bad-host"),
    ("bad-method", b"G@T / HTTP/1.1\r\nHost: h\r\n\r\n", 400, "bad-method"),
    ("bad-target", b"GET nowhere HTTP/1.1\r\nHost: h\r\n\r\n", 400, "bad-target"),
    ("bad-version", b"GET / HTTX/1.1\r\nHost: h\r\n\r\n", 400, None),
    ("tls-hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, None),
    ("version-2", b"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505, "unsupported-version"),
    ("version-9", b"GET / HTTP/9.9\r\nHost: h\r\n\r\n", 505, "unsupported-version"),
    ("long-target", b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 414,
     "target-too-long"),
    ("large-head", GET + b"A: " + b"a" * 20000 + b"\r\n\r\n", 431, "head-too-large"),
    ("many-fields", GET + b"A: b\r\n" * 150 + b"\r\n", 431, "too-many-fields"),
]


@pytest.mark.smoke
def test_malformed_requests(g):
    """One coordinator for the whole table: it survives each of them."""
    server = g.server("s1")
    coordinator = g.coordinator(server)
    wrong = []
    for number, (name, request, status, reason) in enumerate(REQUESTS, 1):
        answer = exchange(coordinator.port, request)  # returns: the connection was closed
        record = await_records(coordinator.log, number)[-1]
        if status_of(answer) != status:
            wrong.append(f"{name}: answered {answer[:60]!r}, expected {status}")
        if (record["end"], record["by"], record.get("status")) != ("bad-request", "client", status):
            wrong.append(f"{name}: recorded {record}")
        if reason and record.get("reason") != reason or not record.get("reason"):
            wrong.append(f"{name}: reason {record.get('reason')}, expected {reason}")
    assert not wrong, "\n".join(wrong)
    assert curl(coordinator.url()).returncode == 0
    server.stop()
    assert len(records(server.log)) == 1, "only the good request at the end reaches the server"


@pytest.mark.smoke
@pytest.mark.parametrize("chunks", [b"g\r\n", b"-1\r\n", b"5\r\nabcdefgh\r\n0\r\n\r\n",
                                    b"5;\nabcde", b"ffffffffffffffff1\r\n",
                                    b"5\nabcde\r\n0\r\n\r\n",
                                    b" 5\r\nabcde\r\n0\r\n\r\n"])
def test_a_chunk_that_cannot_be_read(g, chunks):
    """Found when the request may be on its way already: the server must not take it for whole."""
    seen = []

    def handle(connection, _):
        data = b""
        while more := connection.recv(65536):
            data += more
        seen.append(data)

    with RawServer(handle) as server:
        coordinator = g.coordinator(server)
        answer = exchange(coordinator.port, POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
        assert status_of(answer) in (400, None)
        record, = await_records(coordinator.log, 1)
        assert record["end"] == "bad-request"
        assert record["reason"] in ("bad-chunk", "bare-lf")
        assert not any(b"\r\n0\r\n\r\n" in data for data in seen)


def test_what_follows_a_refused_request_is_not_a_request(g):
    """The smuggler's second request, in the body of the first, reaches nobody."""
    server = g.server("s1")
    coordinator = g.coordinator(server)
    smuggled = (POST + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                b"GET /admin HTTP/1.1\r\nHost: h\r\n\r\n")
    answer = exchange(coordinator.port, smuggled)
    assert answer.count(b"HTTP/1.1") == 1
    assert len(await_records(coordinator.log, 1)) == 1
    coordinator.stop()
    server.stop()
    assert len(records(coordinator.log)) == 1 and not records(server.log)


OK = b"HTTP/1.1 200 OK\r\n"
RESPONSES = [
    ("garbage", b"garbage\r\n\r\n"),
    ("status-letters", b"HTTP/1.1 abc OK\r\n\r\n"),
    ("status-99", b"HTTP/1.1 99 OK\r\n\r\n"),
    ("two-lengths", OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc"),
    ("length-and-chunked", OK + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n"),
    ("bad-length", OK + b"Content-Length: x\r\n\r\n"),
    ("nul", OK + b"A: b\0\r\n\r\n"),
    ("space-before-colon", OK + b"Content-Length : 2\r\n\r\nab"),
    ("folded", OK + b"A: b\r\n c\r\nContent-Length: 0\r\n\r\n"),
    ("large-head", OK + b"A: " + b"a" * 100_000 + b"\r\n\r\n"),
    ("chunked-not-last", OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
]


@pytest.mark.smoke
def test_malformed_responses(g):
    """502, recorded as the server's doing, and that connection is never used again."""
    current = []

    def handle(connection, _):
        while read_head(connection)[0]:
            connection.sendall(current[0])

    wrong = []
    with RawServer(handle) as server:
        coordinator = g.coordinator(server)
        for number, (name, response) in enumerate(RESPONSES, 1):
            current[:] = [response]
            answer = curl("-i", coordinator.url(f"/{name}")).stdout
            record = await_records(coordinator.log, number)[-1]
            if status_of(answer) != 502:
                wrong.append(f"{name}: answered {answer[:80]!r}")
            if (record["end"], record["by"]) != ("bad-response", "server"):
                wrong.append(f"{name}: recorded {record}")
            if server.accepted != number:
                wrong.append(f"{name}: {server.accepted} connections for {number} exchanges")
    assert not wrong, "\n".join(wrong)


def respond_then(response, then=lambda connection: None):
    def handle(connection, _):
        if read_head(connection)[0]:
            connection.sendall(response)
            then(connection)
    return handle


@pytest.mark.parametrize("response", [b"", b"HTTP/1.1 200 OK\r\nContent-Le"])
def test_a_server_that_closes_before_its_head_is_complete(g, response):
    with RawServer(respond_then(response)) as server:
        coordinator = g.coordinator(server)
        assert status_of(curl("-i", "-d", "x", coordinator.url()).stdout) == 502
        record, = await_records(coordinator.log, 1)
        assert (record["end"], record["by"]) == ("server-closed", "server")


@pytest.mark.smoke
@pytest.mark.parametrize("response", [OK + b"Content-Length: 1000\r\n\r\nonly this",
                                      OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                                      OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel"])
def test_a_cut_response_is_seen_to_be_cut(g, response):
    """Never a whole response to the client where it was none."""
    with RawServer(respond_then(response)) as server:
        coordinator = g.coordinator(server)
        done = curl("-i", coordinator.url(), check=False)
        assert done.returncode in (18, 56), done
        record, = await_records(coordinator.log, 1)
        assert (record["end"], record["by"], record["phase"]) == ("server-closed", "server", "data")
        assert record["status"] == 200


def test_a_bad_chunk_in_a_response_cuts_it(g):
    """Where its beginning is with the client already; else it is a 502 (test_failures.py)."""
    begun = threading.Event()

    def handle(connection, _):
        read_head(connection)
        connection.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        begun.wait(20 * SLOW)
        connection.sendall(b"xyz\r\n")
        connection.recv(1)

    with RawServer(handle) as server:
        coordinator = g.coordinator(server)
        with socket.create_connection(("127.0.0.1", coordinator.port), 20 * SLOW) as client:
            client.settimeout(20 * SLOW)
            client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            data = b""
            while b"hello" not in data:
                data += client.recv(65536)
            begun.set()
            with pytest.raises(ConnectionResetError):
                while client.recv(65536):
                    pass
        record, = await_records(coordinator.log, 1)
        assert (record["end"], record["reason"], record["status"]) == ("bad-response", "bad-chunk",
                                                                       200)


def test_bytes_behind_a_response_are_nobodys(g):
    """A second response nobody asked for must not become the answer to the next request."""
    evil = OK + b"Content-Length: 2\r\n\r\nok" + OK + b"Content-Length: 4\r\n\r\nevil"

    def handle(connection, number):
        while read_head(connection)[0]:
            connection.sendall(evil if number == 1 else OK + b"Content-Length: 4\r\n\r\ngood")

    with RawServer(handle) as server:
        coordinator = g.coordinator(server, threads=1)
        done = curl(*[coordinator.url(f"/{i}") for i in range(3)], check=False)
        assert b"evil" not in done.stdout
        assert done.stdout == b"okgoodgood"


def test_a_request_that_stops_half_way_is_timed_out(g):
    coordinator = g.coordinator(g.server("s1"), extra=["--head-timeout", "300ms"])
    answer = exchange(coordinator.port, GET)
    assert status_of(answer) in (408, None)
    record, = await_records(coordinator.log, 1)
    assert (record["end"], record["by"]) == ("client-timeout", "client")


def test_a_server_that_never_answers_is_timed_out(g):
    with RawServer(lambda connection, _: connection.recv(1 << 20) and connection.recv(1)) as server:
        coordinator = g.coordinator(server, extra=["--response-timeout", "300ms"])
        assert status_of(curl("-i", coordinator.url()).stdout) == 504
        record, = await_records(coordinator.log, 1)
        assert (record["end"], record["by"]) == ("server-timeout", "server")


def test_a_connection_without_a_request_is_not_recorded(g):
    coordinator = g.coordinator(g.server("s1"))
    for _ in range(3):
        socket.create_connection(("127.0.0.1", coordinator.port), 10 * SLOW).close()
    curl(coordinator.url())
    coordinator.stop()
    assert len(records(coordinator.log)) == 1


def test_an_answer_of_ours_names_its_cause(g):
    coordinator = g.coordinator(g.server("s1"))
    answer = exchange(coordinator.port, POST + b"Content-Length: x\r\n\r\n")
    head, body = answer.split(b"\r\n\r\n", 1)
    assert re.search(rb"(?i)connection: close", head)
    assert b"bad-content-length" in answer, answer
    length = re.search(rb"(?i)content-length: (\d+)", head)
    assert length and int(length.group(1)) == len(body)
