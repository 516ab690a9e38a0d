"""Messages as they cross a coordinator: interim and early responses, trailers, framing, targets.

Raw sockets on both sides where curl or a real server would hide what was sent.
"""
import re
import socket
import threading

import pytest
import readers
from harness import SLOW, await_records, curl, exchange, records, status_of
from peers import RawServer, read_head

OK = b"HTTP/1.1 200 OK\r\n"
EMPTY = OK + b"Content-Length: 0\r\n\r\n"


class Wire:
    """A raw client that reads up to what it waits for."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 15 * SLOW)
        self.socket.settimeout(15 * SLOW)
        self.data = b""

    def send(self, data):
        self.socket.sendall(data)
        return self

    def until(self, text):
        """Everything up to and with `text`, taken off."""
        while text not in self.data:
            more = self.socket.recv(65536)
            assert more, f"ended before {text!r}: {self.data!r}"
            self.data += more
        found, _, self.data = self.data.partition(text)
        return found + text

    def head(self):
        return self.until(b"\r\n\r\n")

    def exactly(self, count):
        while len(self.data) < count:
            more = self.socket.recv(65536)
            assert more, f"ended after {self.data!r}"
            self.data += more
        found, self.data = self.data[:count], self.data[count:]
        return found

    def end(self):
        """The rest, to the end of the connection."""
        while more := self.socket.recv(65536):
            self.data += more
        return self.data

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def fields(head):
    """Names in lower case; a repeated one has its last value."""
    lines = head.split(b"\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in
            (line.partition(b":") for line in lines if line)}


def answering(response, seen=None):
    """A handle for RawServer: every head is kept, and answered."""
    def handle(connection, _):
        while True:
            head, _ = read_head(connection)
            if not head:
                return
            if seen is not None:
                seen.append(head)
            connection.sendall(response)
    return handle


# --- interim responses ---

@pytest.mark.smoke
def test_a_100_is_the_servers_own(g):
    """It carries what the server put into it, and the body goes only after it."""
    early = []

    def handle(connection, _):
        head, rest = read_head(connection)
        early.append((head, rest))
        connection.sendall(b"HTTP/1.1 100 Go on\r\nX-From: server\r\n\r\n")
        assert connection.recv(65536) == b"hello"
        connection.sendall(OK + b"Content-Length: 2\r\n\r\nok")

    with RawServer(handle) as server:
        coordinator = g.coordinator(server)
        with Wire(coordinator.port) as client:
            client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n"
                        b"Expect: 100-continue\r\n\r\n")
            interim = client.head()
            assert interim.startswith(b"HTTP/1.1 100 ")
            assert fields(interim)[b"x-from"] == b"server"
            assert b"content-length" not in fields(interim)
            client.send(b"hello")
            assert client.head().startswith(OK) and client.exactly(2) == b"ok"
    (head, rest), = early
    assert fields(head)[b"expect"] == b"100-continue" and rest == b""


def test_a_refusal_instead_of_a_100(g):
    """The client never sends its body, and gets the server's words."""
    with RawServer(answering(b"HTTP/1.1 413 No\r\nContent-Length: 3\r\n\r\nbig")) as server:
        coordinator = g.coordinator(server)
        with Wire(coordinator.port) as client:
            client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000\r\n"
                        b"Expect: 100-continue\r\n\r\n")
            assert client.head().startswith(b"HTTP/1.1 413 ")
            assert client.exactly(3) == b"big"
        record, = await_records(coordinator.log, 1)
        assert (record["status"], record.get("body_in", 0)) == (413, 0)


@pytest.mark.parametrize("make", ["nginx", "apache"])
def test_curl_waits_for_the_100_of_a_real_server(g, tmp_path, make):
    made = readers.nginx(tmp_path / "reader") if make == "nginx" else readers.apache()
    with made as reader:
        coordinator = g.coordinator(reader)
        done = curl("-v", "--expect100-timeout", "60", "-H", "Expect: 100-continue",
                    "--data-binary", "x" * 100_000, coordinator.url())
        assert b"< HTTP/1.1 100" in done.stderr and done.stdout == b"read\n"


def test_an_expectation_that_nobody_can_meet(g):
    server = g.server("s1")
    coordinator = g.coordinator(server)
    done = curl("-i", "-H", "Expect: a miracle", "-d", "x", coordinator.url())
    assert status_of(done.stdout) == 417
    record, = await_records(coordinator.log, 1)
    assert (record["end"], record["reason"]) == ("bad-request", "unsupported-expectation")
    server.stop()
    assert not records(server.log)


HINTS = b"".join(b"HTTP/1.1 103 Early Hints\r\nLink: </%d.css>; rel=preload\r\n\r\n" % i
                 for i in range(3))


def test_hints_are_passed_on(g):
    with RawServer(answering(HINTS + OK + b"Content-Length: 2\r\n\r\nok")) as server:
        coordinator = g.coordinator(server)
        with Wire(coordinator.port) as client:
            for _ in range(2):  # and the connection is good for another
                client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                for i in range(3):
                    hint = client.head()
                    assert hint.startswith(b"HTTP/1.1 103 ")
                    assert fields(hint)[b"link"] == b"</%d.css>; rel=preload" % i
                assert client.head().startswith(OK) and client.exactly(2) == b"ok"
        found = await_records(coordinator.log, 2)
        assert [r["status"] for r in found] == [200, 200]


def test_an_http_1_0_client_gets_no_interim_response(g):
    with RawServer(answering(HINTS + OK + b"Content-Length: 2\r\n\r\nok")) as server:
        coordinator = g.coordinator(server)
        answer = exchange(coordinator.port, b"GET / HTTP/1.0\r\n\r\n")
        assert answer.startswith(OK) and answer.endswith(b"\r\n\r\nok")


def test_an_upgrade_that_nobody_asked_for_is_no_answer(g):
    switching = b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: evil\r\n\r\nevil"
    with RawServer(answering(switching)) as server:
        coordinator = g.coordinator(server)
        answer = curl("-i", coordinator.url()).stdout
        assert status_of(answer) == 502 and b"evil" not in answer


# --- trailers ---

@pytest.mark.smoke
def test_trailers_both_ways(g):
    got = []

    def handle(connection, _):
        data, rest = read_head(connection)
        data += rest
        while b"\r\n0\r\n" not in data or not data.endswith(b"\r\n\r\n"):
            data += connection.recv(65536)
        got.append(data)
        connection.sendall(OK + b"Transfer-Encoding: chunked\r\nTrailer: X-Down\r\n\r\n"
                           b"3\r\nabc\r\n0\r\nX-Down: 2\r\nSet-Cookie: evil\r\n\r\n")

    with RawServer(handle) as server:
        coordinator = g.coordinator(server)
        with Wire(coordinator.port) as client:
            client.send(b"POST / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nTrailer: X-Up\r\n"
                        b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-Up: 1\r\n"
                        b"X-Forwarded-For: 6.6.6.6\r\nAuthorization: evil\r\n"
                        b"X-Forwarded-Prefix: /evil\r\nProxy: evil\r\n\r\n")
            assert fields(client.head())[b"trailer"] == b"X-Down"
            body = client.until(b"\r\n\r\n")
    assert re.fullmatch(rb"3\r\nabc\r\n0\r\nX-Down: 2\r\n\r\n", body), body
    head, _, body = got[0].partition(b"\r\n\r\n")
    assert fields(head)[b"trailer"] == b"X-Up"
    assert body == b"5\r\nhello\r\n0\r\nX-Up: 1\r\n\r\n"


# --- responses that come early, or say no length ---

@pytest.mark.smoke
@pytest.mark.parametrize("close", [b"Connection: close\r\n", b""])
def test_an_answer_while_the_body_is_still_coming(g, close):
    """The server reads nothing of it; the client gets the whole answer all the same."""
    done = threading.Event()

    def handle(connection, _):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 413 Too much\r\n" + close + b"Content-Length: 3\r\n\r\nbig")
        done.wait(30 * SLOW)

    with RawServer(handle, receive_buffer=4096) as server:
        coordinator = g.coordinator(server)
        with Wire(coordinator.port) as client:
            client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n")
            client.send(b"x" * 100)
            assert client.head().startswith(b"HTTP/1.1 413 ") and client.exactly(3) == b"big"
            # What follows would be body: the connection cannot carry another request.
            assert client.end() == b""
        done.set()
        record, = await_records(coordinator.log, 1)
        assert record["status"] == 413


def test_curl_sees_an_early_answer_to_a_large_upload(g):
    with open(g.folder / "big", "wb") as big:
        big.truncate(64 << 20)

    def handle(connection, _):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 413 Too much\r\nConnection: close\r\n"
                           b"Content-Length: 3\r\n\r\nbig")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    with RawServer(handle) as server:
        coordinator = g.coordinator(server)
        done = curl("-i", "-H", "Expect:", "-T", g.folder / "big", coordinator.url(), check=False)
        assert status_of(done.stdout) == 413 and done.stdout.endswith(b"big")


def no_length(connection, _):
    read_head(connection)
    connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
    for i in range(5):
        connection.sendall(b"part %d;" % i)


PARTS = b"".join(b"part %d;" % i for i in range(5))


def test_a_response_without_length_is_chunked_for_http_1_1(g):
    """And the client's connection stays usable, though the server's ended."""
    with RawServer(no_length) as server:
        coordinator = g.coordinator(server)
        done = curl("-v", coordinator.url("/1"), coordinator.url("/2"))
        assert done.stdout == PARTS * 2
        assert done.stderr.lower().count(b"< transfer-encoding: chunked") == 2
        found = await_records(coordinator.log, 2)
        assert [r["seq"] for r in found] == [1, 2] and found[0]["conn"] == found[1]["conn"]


def test_a_response_without_length_ends_the_connection_of_http_1_0(g):
    with RawServer(no_length) as server:
        coordinator = g.coordinator(server)
        answer = exchange(coordinator.port, b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert body == PARTS
        assert b"transfer-encoding" not in fields(head) and fields(head)[b"connection"] == b"close"


def test_chunks_reach_an_http_1_0_client_as_plain_bytes(g):
    chunked = OK + b"Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: u\r\n\r\n"
    with RawServer(answering(chunked)) as server:
        coordinator = g.coordinator(server)
        answer = exchange(coordinator.port, b"GET / HTTP/1.0\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert body == b"abcde" and b"transfer-encoding" not in fields(head)


# --- responses without a body ---

NO_BODY = [
    ("head-length", b"HEAD", OK + b"Content-Length: 5000\r\n\r\n", b"5000"),
    ("head-chunked", b"HEAD", OK + b"Transfer-Encoding: chunked\r\n\r\n", None),
    ("head-neither", b"HEAD", OK + b"\r\n", None),
    ("304-length", b"GET", b"HTTP/1.1 304 Same\r\nContent-Length: 5000\r\n\r\n", b"5000"),
    ("304-neither", b"GET", b"HTTP/1.1 304 Same\r\n\r\n", None),
    ("204", b"DELETE", b"HTTP/1.1 204 Gone\r\n\r\n", None),
    ("204-zero", b"DELETE", b"HTTP/1.1 204 Gone\r\nContent-Length: 0\r\n\r\n", None),
]
# These announce what cannot be: the answer counts, the server's connection is not used again.
NO_BODY_ANNOUNCED = [
    ("204-length", b"DELETE", b"HTTP/1.1 204 Gone\r\nContent-Length: 5\r\n\r\n"),
    ("204-chunked", b"DELETE", b"HTTP/1.1 204 Gone\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ("204-chunked-sent", b"DELETE",
     b"HTTP/1.1 204 Gone\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("204-both", b"DELETE",
     b"HTTP/1.1 204 Gone\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ("304-two-lengths", b"GET",
     b"HTTP/1.1 304 Same\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"),
    ("head-odd-coding", b"HEAD", OK + b"Transfer-Encoding: gzip\r\n\r\n"),
]


@pytest.mark.smoke
@pytest.mark.parametrize("method,response,length", [pytest.param(*rest, id=name)
                                                    for name, *rest in NO_BODY])
def test_a_response_without_a_body(g, method, response, length):
    """Nothing follows the head, and the connections on both sides carry the next exchange."""
    with RawServer(answering(response)) as server:
        coordinator = g.coordinator(server, threads=1)
        with Wire(coordinator.port) as client:
            for _ in range(3):
                client.send(method + b" / HTTP/1.1\r\nHost: h\r\n\r\n")
                head = client.head()
                assert head.split(b" ")[1] == response.split(b" ")[1]
                assert fields(head).get(b"content-length") == length
                assert client.data == b""
        found = await_records(coordinator.log, 3)
        assert [(r["end"], r.get("body_out", 0)) for r in found] == [("ok", 0)] * 3
        assert server.accepted == 1


@pytest.mark.parametrize("method,response", [pytest.param(*rest, id=name)
                                             for name, *rest in NO_BODY_ANNOUNCED])
def test_no_field_gives_a_body_to_a_response_without_one(g, method, response):
    with RawServer(answering(response)) as server:
        coordinator = g.coordinator(server, threads=1)
        with Wire(coordinator.port) as client:
            for _ in range(3):
                client.send(method + b" / HTTP/1.1\r\nHost: h\r\n\r\n")
                head = client.head()
                assert head.split(b" ")[1] == response.split(b" ")[1]
                assert b"content-length" not in fields(head)
                assert method == b"HEAD" or b"transfer-encoding" not in fields(head)
                assert client.data == b""
        found = await_records(coordinator.log, 3)
        assert [(r["end"], r.get("body_out", 0)) for r in found] == [("ok", 0)] * 3
        assert server.accepted == 3


def test_a_body_behind_a_head_response_is_nobodys(g):
    """A server that sends the body of a GET to a HEAD: the next client must not get it."""
    evil = OK + b"Content-Length: 44\r\n\r\n" + OK + b"Content-Length: 4\r\n\r\nevil"

    def handle(connection, number):
        while read_head(connection)[0]:
            connection.sendall(evil if number == 1 else OK + b"Content-Length: 4\r\n\r\ngood")

    with RawServer(handle) as server:
        coordinator = g.coordinator(server, threads=1)
        curl("-I", coordinator.url())
        assert curl(coordinator.url()).stdout == b"good"


# --- order ---

@pytest.mark.smoke
def test_fifty_pipelined_requests_over_three_servers(g):
    """The servers answer after different times; the answers keep the order of the requests."""
    servers = [g.server(f"s{i}", "--delay", delay) for i, delay in
               enumerate(("0ms", "uniform(1ms,15ms)", "5ms"), 1)]
    coordinator = g.coordinator(*servers)
    requests = b"".join(b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n%02d" % i
                        for i in range(50))
    with Wire(coordinator.port) as client:
        client.send(requests)
        for i in range(50):
            head = client.head()
            assert head.startswith(OK)
            assert client.exactly(int(fields(head)[b"content-length"])) == b"%02d" % i
    found = await_records(coordinator.log, 50)
    assert [r["seq"] for r in found] == list(range(1, 51))
    assert sorted(sum(r["server"] == s.address for r in found) for s in servers) == [16, 17, 17]


def test_pipelined_requests_of_every_kind(g):
    """Bodies with lengths and chunks, HEAD and nothing at all, back to back in one segment."""
    seen = []
    with RawServer(answering(OK + b"Content-Length: 2\r\n\r\nok", seen)) as server:
        coordinator = g.coordinator(server, threads=1)
        with Wire(coordinator.port) as client:
            client.send(b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\n"
                        b"\r\n"
                        b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"
                        b"GET http://h/3 HTTP/1.1\r\nHost: h\r\n\r\n"
                        b"GET /4 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
                        b"GET /never HTTP/1.1\r\nHost: h\r\n\r\n")
            answers = client.end()
        assert answers.count(OK) == 4 and answers.endswith(b"ok")
    targets = [head.split(b" ")[1] for head in seen]
    assert targets == [b"/1", b"*", b"/3", b"/4"]


# --- targets, Host and fields ---

def sent_on(g, request, count=1):
    """The heads a server sees of what is sent."""
    seen = []
    with RawServer(answering(EMPTY, seen)) as server:
        coordinator = g.coordinator(server, threads=1)
        with Wire(coordinator.port) as client:
            client.send(request)
            for _ in range(count):
                assert status_of(client.head()) == 200
    return seen


@pytest.mark.parametrize("start,target,host", [
    (b"OPTIONS * HTTP/1.1\r\nHost: h\r\n", b"*", b"h"),
    (b"OPTIONS http://other:81 HTTP/1.1\r\nHost: h\r\n", b"*", b"other:81"),
    (b"GET http://other/a?b HTTP/1.1\r\nHost: h\r\n", b"/a?b", b"other"),
    (b"GET http://other HTTP/1.1\r\nHost: h\r\n", b"/", b"other"),
    (b"GET http://other?a=b HTTP/1.1\r\nHost: h\r\n", b"/?a=b", b"other"),
    (b"OPTIONS http://other?a HTTP/1.1\r\nHost: h\r\n", b"/?a", b"other"),
    (b"GET HTTPS://[::1]:8443/a HTTP/1.1\r\nHost: h\r\n", b"/a", b"[::1]:8443"),
    (b"GET //h//../a HTTP/1.1\r\nHost: h\r\n", b"//h//../a", b"h"),
    (b"GET http://other/ HTTP/1.0\r\n", b"/", b"other"),
], ids=lambda value: value.decode().split("\r\n")[0] if b"HTTP" in value else "")
def test_the_target_and_host_of_a_server(g, start, target, host):
    head, = sent_on(g, start + b"\r\n")
    assert head.split(b" ")[1] == target
    assert re.findall(rb"(?i)\r\nhost: (.*)\r\n", head) == [host]
    assert head.split(b"\r\n")[0].endswith(b" HTTP/1.1")


def test_fields_of_one_hop_stay_on_it_both_ways(g):
    seen = []
    response = (OK + b"Connection: x-secret, keep-alive\r\nX-Secret: a\r\nKeep-Alive: timeout=5\r\n"
                b"Proxy-Connection: b\r\nUpgrade: c\r\nX-Kept: d\r\nContent-Length: 0\r\n\r\n")
    with RawServer(answering(response, seen)) as server:
        coordinator = g.coordinator(server)
        with Wire(coordinator.port) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: x-secret\r\nX-Secret: a\r\n"
                        b"Connection: content-length, host\r\nKeep-Alive: b\r\nTE: trailers\r\n"
                        b"Proxy-Connection: c\r\nUpgrade: d\r\nX-Kept: e\r\n\r\n")
            answered = fields(client.head())
    asked = fields(seen[0])
    for name in (b"x-secret", b"keep-alive", b"proxy-connection", b"te"):
        assert name not in asked and name not in answered, name
    assert asked[b"x-kept"] == b"e" and answered[b"x-kept"] == b"d"
    assert asked[b"host"] == b"h" and b"upgrade" not in asked and b"upgrade" not in answered


def test_a_field_that_only_looks_like_ours_does_not_reach_a_server(g):
    """CGI and its heirs read X_Forwarded_For as X-Forwarded-For, Content_Length likewise."""
    head, = sent_on(g, b"GET / HTTP/1.1\r\nHost: h\r\nX_Forwarded_For: 6.6.6.6\r\n"
                       b"x-forwarded_proto: https\r\nContent_Length: 5\r\nX_Other: a\r\n\r\n")
    assert b"6.6.6.6" not in head and b"https" not in head
    assert b"content_length" not in fields(head) and fields(head)[b"x_other"] == b"a"


# --- not yet ---

def test_hints_without_end_do_not_fill_the_memory(g):
    """A server that sends 103 after 103 to a client that does not read is held back, or cut."""
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: " + b"x" * 8000 + b"\r\n\r\n"
    most, sent, over = 96 << 20, [0], threading.Event()

    def handle(connection, _):
        read_head(connection)
        connection.settimeout(2 * SLOW)
        try:
            while sent[0] < most:
                connection.sendall(hint * 16)
                sent[0] += len(hint) * 16
        except OSError:
            pass
        over.set()

    with RawServer(handle) as server:
        coordinator = g.coordinator(server)
        with Wire(coordinator.port) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            assert over.wait(60 * SLOW)
            assert sent[0] < most / 3 and coordinator.rss_kib() < 64 << 10


def test_max_forwards_is_counted_down(g):
    head, = sent_on(g, b"OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 3\r\n\r\n")
    assert fields(head)[b"max-forwards"] == b"2"
    assert not sent_on(g, b"OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n")
