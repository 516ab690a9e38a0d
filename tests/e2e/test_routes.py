"""A site behind one listener, as curl sees it: hosts, paths, a maintenance page, sticky clients."""
import pytest
from harness import await_records, counts, curl

SITE = """\
[answers]
404 = {{ content_type = "text/html", body = "<h1>nothing here</h1>" }}
[[listener]]
address = "http://127.0.0.1:0"
[[listener.route]]
name = "health"
path = "/health"
answer = {{ status = 200, body = "good\\n" }}
[[listener.route]]
name = "old"
host = ["old.test", "*.old.test"]
redirect = {{ status = 301, to = "http://site.test:{port}{{path}}" }}
[[listener.route]]
name = "closed"
host = "site.test"
path = "/shop"
answer = {{ status = 503, content_type = "text/html", file = "closed.html" }}
[[listener.route]]
name = "api"
host = "site.test"
path = "/api"
method = ["GET", "HEAD"]
pool = "api"
request_headers = {{ set = {{ X-Forwarded-Prefix = "/api" }}, remove = ["Cookie"] }}
response_headers = {{ set = {{ Cache-Control = "no-store" }}, remove = ["Server"] }}
[[listener.route]]
name = "site"
host = "site.test"
pool = "site"
body_bytes_max = "10KiB"
[[pool]]
name = "site"
servers = [{site}]
sticky_cookie = "turn"
[[pool]]
name = "api"
servers = "{api}"
"""


class Site:
    def __init__(self, g, nginx):
        self.servers = g.servers(3)
        (g.folder / "closed.html").write_text("<p>back at noon</p>\n")
        site = ", ".join(f'"{server.address}"' for server in self.servers)
        # Port 1 stands for one that curl is told to reach elsewhere.
        self.coordinator = g.configured(SITE.format(port=1, site=site, api=nginx.address))
        self.jar = g.folder / "cookies"

    def curl(self, url, *args, **options):
        to = f"::127.0.0.1:{self.coordinator.port}"
        return curl("--connect-to", to, *args, url, **options)

    def sticky(self):
        return self.curl("http://site.test/", "-b", self.jar, "-c", self.jar).stdout


@pytest.fixture
def site(g, nginx):
    return Site(g, nginx)


def test_where_requests_go(site):
    answers = {
        "http://site.test/health": b"good\n",
        "http://other.test/health?x": b"good\n",
        "http://site.test/shop/cart": b"<p>back at noon</p>\n",
        "http://other.test/": b"<h1>nothing here</h1>",
        "http://site.test/api": None,
    }
    for url, body in answers.items():
        got = site.curl(url).stdout
        assert body is None or got == body, (url, got)
    assert site.curl("http://SITE.test/shopping").stdout in (b"s1\n", b"s2\n", b"s3\n")
    routes = counts(await_records(site.coordinator.log, 6), "route")
    assert routes == {"health": 2, "closed": 1, None: 1, "api": 1, "site": 1}


def test_curl_follows_a_redirect(site):
    done = site.curl("http://www.old.test/shop?a=1", "-L", "-w", "%{url_effective} %{http_code}")
    assert done.stdout == b"<p>back at noon</p>\nhttp://site.test:1/shop?a=1 503"


def test_a_page_of_our_own_is_whole(site):
    done = site.curl("http://site.test/shop", "-i")
    assert b"HTTP/1.1 503 " in done.stdout and b"Content-Type: text/html\r\n" in done.stdout
    assert b"Proxy-Status" not in done.stdout  # as configured: nothing failed
    head = site.curl("http://site.test/shop", "-I")
    assert b"Content-Length: 20\r\n" in head.stdout
    missing = site.curl("http://other.test/", "-i")
    assert b"Proxy-Status: giliran; error=destination_not_found" in missing.stdout


def test_header_fields_are_changed(site, nginx):
    done = site.curl("http://site.test/api", "-i", "-H", "Cookie: secret=1")
    assert b"Cache-Control: no-store\r\n" in done.stdout
    assert b"Server:" not in done.stdout
    assert b"Server: nginx" in curl("-i", f"http://{nginx.address}/").stdout
    # POST is not of that route.
    assert site.curl("http://site.test/api", "-d", "x").stdout in (b"s1\n", b"s2\n", b"s3\n")


def test_a_cookie_brings_a_client_back(site):
    first = site.sticky()
    assert "turn" in site.jar.read_text()
    assert {site.sticky() for _ in range(6)} == {first}
    assert len({site.curl("http://site.test/").stdout for _ in range(6)}) == 3
    # Its server dies: it is given to another, and stays there.
    site.servers[int(first[1:2]) - 1].kill()
    then = site.sticky()
    assert then != first
    assert {site.sticky() for _ in range(6)} == {then}


def test_a_body_that_is_too_large(site):
    body = "x" * 10240
    assert site.curl("http://site.test/", "-d", body).stdout in (b"s1\n", b"s2\n", b"s3\n")
    for args in ((), ("-H", "Transfer-Encoding: chunked")):
        done = site.curl("http://site.test/", "-d", body + "y", "-o", "/dev/null", "-w",
                         "%{http_code}", "-H", "Expect:", *args)
        assert done.stdout == b"413"
    found = await_records(site.coordinator.log, 3)
    assert counts(found, "end") == {"ok": 1, "body-too-large": 2}
