"""Requests that two servers may read in two ways, and a generator of more of them."""
import random

HOST = b"Host: h\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: h\r\n\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"


def get(fields=b"", target=b"/", version=b"HTTP/1.1", method=b"GET", host=HOST):
    return method + b" " + target + b" " + version + b"\r\n" + host + fields + b"\r\n"


def post(fields=b"", body=b"", **options):
    return get(fields, method=b"POST", **options) + body


def line(start):
    return start + b"\r\n" + HOST + b"\r\n"


def length(value, body=b"hello"):
    return post(b"Content-Length: " + value + b"\r\n", body)


def coding(value, body=HELLO):
    return post(b"Transfer-Encoding: " + value + b"\r\n", body)


def chunks(body):
    return post(CHUNKED, body)


# name, bytes, what giliran makes of it: a status it refuses the first request with, or how many
# requests it passes on (of which the last may be refused behind it).
TABLE = [
    # Lengths
    ("cl-plus", length(b"+5"), 400),
    ("cl-minus", length(b"-5"), 400),
    ("cl-hex", length(b"0x5"), 400),
    ("cl-octal", length(b"005"), 1),
    ("cl-blank", length(b""), 400),
    ("cl-spaces", length(b" \t5 \t"), 1),
    ("cl-inner-space", length(b"5 5"), 400),
    ("cl-fraction", length(b"5.0"), 400),
    ("cl-exponent", length(b"5e0"), 400),
    ("cl-quoted", length(b'"5"'), 400),
    ("cl-list-equal", length(b"5, 5"), 400),
    ("cl-list-different", length(b"5, 6"), 400),
    ("cl-list-open", length(b"5,"), 400),
    ("cl-twice-equal", post(b"Content-Length: 5\r\n" * 2, b"hello"), 400),
    ("cl-twice-different", post(b"Content-Length: 5\r\nContent-Length: 0\r\n", b"hello"), 400),
    ("cl-twice-case", post(b"Content-Length: 0\r\nCONTENT-LENGTH: 5\r\n", b"hello"), 400),
    ("cl-zero-then-body", length(b"0", NEXT), 2),
    ("cl-2-to-the-64", length(b"18446744073709551621"), 400),
    ("cl-2-to-the-63", length(b"9223372036854775808"), 400),
    ("cl-2-to-the-32", length(b"4294967301"), None),
    ("cl-thousand-digits", length(b"0" * 1000 + b"5"), 1),
    ("cl-vertical-tab", length(b"\x0b5"), 400),
    ("cl-nul", length(b"5\0"), 400),
    ("cl-obs-text", length(b"\xb25"), 400),
    ("cl-folded", post(b"Content-Length:\r\n 5\r\n", b"hello"), 400),
    ("cl-space-before-colon", post(b"Content-Length : 5\r\n", b"hello"), 400),
    ("cl-tab-before-colon", post(b"Content-Length\t: 5\r\n", b"hello"), 400),
    ("cl-underscore", post(b"Content_Length: 46\r\n", SMUGGLED), 2),
    ("cl-underscore-and-cl", post(b"Content_Length: 9\r\nContent-Length: 5\r\n", b"hello"), 1),
    ("cl-dot", post(b"Content.Length: 46\r\n", SMUGGLED), 2),
    ("cl-on-get", get(b"Content-Length: 5\r\n") + b"hello", 1),
    ("cl-on-get-smuggle", get(b"Content-Length: 35\r\n") + SMUGGLED, 1),
    ("cl-on-delete", get(b"Content-Length: 5\r\n", method=b"DELETE") + b"hello", 1),
    ("cl-in-1.0", post(b"Content-Length: 5\r\n", b"hello", version=b"HTTP/1.0"), 1),
    ("cl-short-body", length(b"50"), None),
    ("cl-long-body", length(b"3"), 1),
    ("cl-named-by-connection", post(b"Connection: content-length\r\nContent-Length: 5\r\n",
                                    b"hello"), 1),
    ("no-cl-with-body", post(b"", SMUGGLED), 2),
    # Codings
    ("te-and-cl", post(b"Content-Length: 5\r\n" + CHUNKED, HELLO), 400),
    ("te-then-cl", post(CHUNKED + b"Content-Length: 5\r\n", HELLO), 400),
    ("te-and-cl-zero", post(b"Content-Length: 0\r\n" + CHUNKED, HELLO), 400),
    ("te-and-cl-smuggle", post(b"Content-Length: 5\r\n" + CHUNKED, b"0\r\n\r\n" + SMUGGLED), 400),
    ("te-bad-and-cl", post(b"Content-Length: 5\r\nTransfer-Encoding: x\r\n", b"hello"), 400),
    ("te-underscore-and-cl", post(b"Content-Length: 15\r\nTransfer_Encoding: chunked\r\n", HELLO),
     1),
    ("te-upper", coding(b"CHUNKED"), 1),
    ("te-spaces", coding(b" \tchunked\t "), 1),
    ("te-quoted", coding(b'"chunked"'), 400),
    ("te-parameter", coding(b"chunked;a=b"), 400),
    ("te-open-list", coding(b"chunked,"), 400),
    ("te-leading-comma", coding(b",chunked"), 400),
    ("te-twice-in-list", coding(b"chunked, chunked"), 400),
    ("te-twice", post(CHUNKED * 2, HELLO), 400),
    ("te-identity", coding(b"identity"), 400),
    ("te-identity-chunked", coding(b"identity, chunked"), 501),
    ("te-chunked-identity", coding(b"chunked, identity"), 400),
    ("te-gzip", coding(b"gzip"), 400),
    ("te-gzip-chunked", coding(b"gzip, chunked"), 501),
    ("te-split", post(b"Transfer-Encoding: gzip\r\n" + CHUNKED, HELLO), 501),
    ("te-second-empty", post(CHUNKED + b"Transfer-Encoding:\r\n", HELLO), 400),
    ("te-empty", coding(b""), 400),
    ("te-cow", coding(b"cow"), 400),
    ("te-xchunked", coding(b"xchunked"), 400),
    ("te-chunkedx", coding(b"chunkedx"), 400),
    ("te-vertical-tab", coding(b"\x0bchunked"), 400),
    ("te-nul", coding(b"chunked\0"), 400),
    ("te-folded", post(b"Transfer-Encoding:\r\n chunked\r\n", HELLO), 400),
    ("te-folded-before", post(b"X: y\r\n Transfer-Encoding: chunked\r\n", HELLO), 400),
    ("te-space-before-colon", post(b"Transfer-Encoding : chunked\r\n", HELLO), 400),
    ("te-no-space", post(b"Transfer-Encoding:chunked\r\n", HELLO), 1),
    ("te-in-1.0", post(CHUNKED, HELLO, version=b"HTTP/1.0"), 400),
    ("te-on-get", get(CHUNKED) + HELLO, 1),
    ("te-on-head", get(CHUNKED, method=b"HEAD") + HELLO, 1),
    ("te-behind-bare-lf", post(b"X: y\nTransfer-Encoding: chunked\r\n", HELLO), 400),
    ("te-behind-bare-cr", post(b"X: y\rTransfer-Encoding: chunked\r\n", HELLO), 400),
    ("te-named-by-connection", post(b"Connection: transfer-encoding\r\n" + CHUNKED, HELLO), 1),
    ("te-in-te", post(b"TE: chunked\r\nContent-Length: 5\r\n", b"hello"), 1),
    # Chunks
    ("chunk-plain", chunks(HELLO + NEXT), 2),
    ("chunk-upper-hex", chunks(b"A\r\n0123456789\r\n0\r\n\r\n"), 1),
    ("chunk-leading-zeros", chunks(b"00005\r\nhello\r\n000\r\n\r\n"), 1),
    ("chunk-many-zeros", chunks(b"0" * 40 + b"5\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk-prefix-0x", chunks(b"0x5\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk-plus", chunks(b"+5\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk-minus", chunks(b"-5\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk-space-before", chunks(b" 5\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk-space-behind", chunks(b"5 \r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk-underscore", chunks(b"0_5\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk-overflow-32", chunks(b"100000005\r\nhello\r\n0\r\n\r\n"), None),
    ("chunk-overflow-64", chunks(b"10000000000000005\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk-no-digits", chunks(b"\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk-bare-lf", chunks(b"5\nhello\n0\n\n"), 400),
    ("chunk-bare-cr", chunks(b"5\rhello\r0\r\r"), 400),
    ("chunk-data-lf", chunks(b"5\r\nhello\n0\r\n\r\n"), 400),
    ("chunk-data-long", chunks(b"5\r\nhello!\r\n0\r\n\r\n"), 400),
    ("chunk-data-short", chunks(b"5\r\nhell\r\n0\r\n\r\n"), 400),
    ("chunk-extension", chunks(b"5;a=b\r\nhello\r\n0;c\r\n\r\n"), 1),
    ("chunk-extension-quoted", chunks(b'5;a="b;c\\"d"\r\nhello\r\n0\r\n\r\n'), 1),
    ("chunk-extension-open-quote", chunks(b'5;a="\r\nhello\r\n0;"\r\n\r\n'), 1),
    ("chunk-extension-lf", chunks(b"5;a\nhello\r\n0\r\n\r\n"), 400),
    ("chunk-extension-cr", chunks(b"5;a\rb\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk-extension-nul", chunks(b"5;a\0\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk-extension-spaced", chunks(b"5 ; a\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk-extension-long", chunks(b"5;" + b"a" * 5000 + b"\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk-extensions-many", chunks((b"1;" + b"a" * 1000 + b"\r\nx\r\n") * 40 + HELLO), 400),
    ("chunk-last-smuggle", chunks(b"0\r\n\r\n" + SMUGGLED), 2),
    ("chunk-last-no-empty-line", chunks(b"0\r\n" + SMUGGLED), 400),
    ("chunk-last-lf", chunks(b"0\r\n\n" + SMUGGLED), 400),
    ("chunk-trailer", chunks(b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n" + NEXT), 2),
    ("chunk-trailer-length", chunks(b"0\r\nContent-Length: 35\r\n\r\n" + SMUGGLED), 2),
    ("chunk-trailer-coding", chunks(b"0\r\nTransfer-Encoding: chunked\r\n\r\n" + HELLO), 1),
    ("chunk-trailer-host", chunks(b"0\r\nHost: evil\r\n\r\n"), 1),
    ("chunk-trailer-lookalike", chunks(b"0\r\nContent_Length: 35\r\n\r\n" + SMUGGLED), 2),
    ("chunk-trailer-folded", chunks(b"0\r\nA: b\r\n c\r\n\r\n"), 400),
    ("chunk-trailer-no-colon", chunks(b"0\r\nabc\r\n\r\n"), 400),
    ("chunk-cut", chunks(b"5\r\nhel"), None),
    # Request lines
    ("line-two-spaces", line(b"GET  / HTTP/1.1"), 400),
    ("line-two-spaces-behind", line(b"GET /  HTTP/1.1"), 400),
    ("line-tab", line(b"GET\t/\tHTTP/1.1"), 400),
    ("line-leading-space", line(b" GET / HTTP/1.1"), 400),
    ("line-trailing-space", line(b"GET / HTTP/1.1 "), 400),
    ("line-vertical-tab", line(b"GET\x0b/\x0bHTTP/1.1"), 400),
    ("line-form-feed", line(b"GET /\x0cHTTP/1.1"), 400),
    ("line-target-space", line(b"GET /a b HTTP/1.1"), 400),
    ("line-target-version", line(b"GET /a HTTP/1.1 HTTP/1.1"), 400),
    ("line-no-version", line(b"GET /"), 400),
    ("line-http-0.9", b"GET /\r\n", 400),
    ("line-http-0.9-two", b"GET /\r\n" + NEXT, 400),
    ("line-version-lower", line(b"GET / http/1.1"), 400),
    ("line-version-short", line(b"GET / HTTP/1"), 400),
    ("line-version-long", line(b"GET / HTTP/1.01"), 400),
    ("line-version-1.2", line(b"GET / HTTP/1.2"), 1),
    ("line-version-1.9", line(b"POST / HTTP/1.9"), 1),
    ("line-version-2", line(b"GET / HTTP/2.0"), 505),
    ("line-version-0.9", line(b"GET / HTTP/0.9"), 505),
    ("line-http2-preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("line-bare-lf", b"GET / HTTP/1.1\nHost: h\n\n", 400),
    ("line-bare-cr", b"GET / HTTP/1.1\rHost: h\r\r", 400),
    ("line-cr-in-target", line(b"GET /\rx HTTP/1.1"), 400),
    ("line-nul", line(b"GET /\0 HTTP/1.1"), 400),
    ("line-utf8", line(b"GET /\xc3\xa4 HTTP/1.1"), 400),
    ("line-del", line(b"GET /\x7f HTTP/1.1"), 400),
    ("line-fragment", line(b"GET /a#b HTTP/1.1"), 400),
    ("line-delimiters", line(b"GET /a|{}^\"<>\\`%23 HTTP/1.1"), 1),
    ("line-percent-nul", line(b"GET /a%00b HTTP/1.1"), 1),
    ("line-percent-bad", line(b"GET /a%zz%4 HTTP/1.1"), 1),
    ("line-percent-crlf", line(b"GET /a%0d%0aX:%20y HTTP/1.1"), 1),
    ("line-dots", line(b"GET /a/../../b HTTP/1.1"), 1),
    ("line-slashes", line(b"GET //a///b HTTP/1.1"), 1),
    ("line-semicolon", line(b"GET /a;b=c/d?e;f HTTP/1.1"), 1),
    ("line-question", line(b"GET /?? HTTP/1.1"), 1),
    ("line-no-slash", line(b"GET a HTTP/1.1"), 400),
    ("line-empty-target", line(b"GET  HTTP/1.1"), 400),
    ("line-method-lower", line(b"get / HTTP/1.1"), 1),
    ("line-method-head-case", line(b"Head / HTTP/1.1"), 400),
    ("line-method-connect-case", line(b"connect / HTTP/1.1"), 400),
    ("line-method-own", line(b"BREW-IT / HTTP/1.1"), 1),
    ("line-method-long", line(b"A" * 40 + b" / HTTP/1.1"), 400),
    ("line-method-bad", line(b"G(T / HTTP/1.1"), 400),
    ("line-method-trace", line(b"TRACE / HTTP/1.1"), 0),
    ("line-long-target", line(b"GET /" + b"a" * 8000 + b" HTTP/1.1"), 1),
    ("line-too-long-target", line(b"GET /" + b"a" * 9000 + b" HTTP/1.1"), 414),
    # Forms of the target, and Host
    ("absolute", line(b"GET http://h/a?b HTTP/1.1"), 1),
    ("absolute-other-host", get(target=b"http://other/a", host=b"Host: h\r\n"), 1),
    ("absolute-no-path", line(b"GET http://h HTTP/1.1"), 1),
    ("absolute-upper", line(b"GET HTTP://H/a HTTP/1.1"), 1),
    ("absolute-query-alone", line(b"GET http://h?a=/b HTTP/1.1"), 1),
    ("absolute-user", line(b"GET http://h@evil/ HTTP/1.1"), 400),
    ("absolute-no-host-field", b"GET http://h/ HTTP/1.1\r\n\r\n", 400),
    ("absolute-empty-host", line(b"GET http:///a HTTP/1.1"), 400),
    ("absolute-backslash", line(b"GET http://h\\evil/ HTTP/1.1"), 400),
    ("absolute-other-scheme", line(b"GET gopher://h/ HTTP/1.1"), 400),
    ("absolute-in-1.0", b"GET http://h/a HTTP/1.0\r\n\r\n", 1),
    ("absolute-nested", line(b"GET http://h/http://evil/ HTTP/1.1"), 1),
    ("asterisk", line(b"OPTIONS * HTTP/1.1"), 1),
    ("asterisk-get", line(b"GET * HTTP/1.1"), 400),
    ("authority", line(b"GET h:80 HTTP/1.1"), 400),
    ("connect", line(b"CONNECT h:80 HTTP/1.1"), None),
    ("host-none", get(host=b""), 400),
    ("host-none-in-1.0", get(host=b"", version=b"HTTP/1.0"), 1),
    ("host-two", get(host=HOST * 2), 400),
    ("host-two-different", get(host=HOST + b"Host: evil\r\n"), 400),
    ("host-list", get(host=b"Host: h, evil\r\n"), 400),
    ("host-empty", get(host=b"Host:\r\n"), 1),
    ("host-user", get(host=b"Host: u@h\r\n"), 400),
    ("host-path", get(host=b"Host: h/evil\r\n"), 400),
    ("host-space", get(host=b"Host: h evil\r\n"), 400),
    ("host-port-letters", get(host=b"Host: h:x\r\n"), 400),
    ("host-port-twice", get(host=b"Host: h:80:81\r\n"), 400),
    ("host-port-empty", get(host=b"Host: h:\r\n"), 1),
    ("host-v6", get(host=b"Host: [::1]:80\r\n"), 1),
    ("host-upper", get(host=b"HOST: H.EXAMPLE\r\n"), 1),
    ("host-folded", get(host=b"Host: h\r\n evil\r\n"), 400),
    ("host-first-folded", b"GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400),
    ("host-space-before-colon", get(host=b"Host : h\r\n"), 400),
    ("host-named-by-connection", get(b"Connection: host\r\n"), 1),
    # Fields
    ("field-no-colon", get(b"abc\r\n"), 400),
    ("field-no-name", get(b": b\r\n"), 400),
    ("field-no-value", get(b"A:\r\n"), 1),
    ("field-space-in-name", get(b"A b: c\r\n"), 400),
    ("field-nul-in-name", get(b"A\0b: c\r\n"), 400),
    ("field-utf8-name", get(b"\xc3\xa4: c\r\n"), 400),
    ("field-nul", get(b"A: b\0\r\n"), 400),
    ("field-escape", get(b"A: \x1b[0m\r\n"), 400),
    ("field-obs-text", get(b"A: \xff\xfe\r\n"), 1),
    ("field-bare-cr", get(b"A: b\rC: d\r\n"), 400),
    ("field-cr-cr-lf", get(b"A: b\r\r\n"), 400),
    ("field-bare-lf", get(b"A: b\nC: d\r\n"), 400),
    ("field-end-lf", b"GET / HTTP/1.1\r\nHost: h\r\n\n", 400),
    ("field-fold-tab", get(b"A: b\r\n\tc\r\n"), 400),
    ("field-empty-fold", get(b"A: b\r\n \r\n"), 400),
    ("field-many", get(b"A: b\r\n" * 120), 431),
    ("field-large", get(b"A: " + b"b" * 20000 + b"\r\n"), 431),
    ("field-8k", get(b"A: " + b"b" * 8100 + b"\r\n"), 1),
    ("field-two-connections", get(b"Connection: close\r\nConnection: keep-alive\r\n") + NEXT, 1),
    ("field-connection-list", get(b"Connection: ,,close,,\r\n") + NEXT, 1),
    ("field-connection-semicolon", get(b"Connection: close;x\r\n") + NEXT, 2),
    ("expect", post(b"Expect: 100-continue\r\nContent-Length: 5\r\n", b"hello"), 1),
    ("expect-case", post(b"Expect: 100-Continue\r\nContent-Length: 5\r\n", b"hello"), 1),
    ("expect-other", post(b"Expect: x\r\nContent-Length: 5\r\n", b"hello"), 417),
    ("expect-list", post(b"Expect: 100-continue, x\r\nContent-Length: 5\r\n", b"hello"), 417),
    ("expect-in-1.0", post(b"Expect: 100-continue\r\nContent-Length: 5\r\n", b"hello",
                           version=b"HTTP/1.0"), 1),
    ("upgrade-h2c", get(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                        b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n") + NEXT, None),
    ("keep-alive-1.0", get(b"Connection: keep-alive\r\n", version=b"HTTP/1.0") + NEXT, None),
    ("close-1.0", get(version=b"HTTP/1.0") + NEXT, 1),
    # Between requests
    ("empty-lines", b"\r\n\r\n" + get(), 1),
    ("empty-lines-three", b"\r\n\r\n\r\n" + get(), 400),
    ("empty-line-between", get() + b"\r\n" + NEXT, 2),
    ("empty-line-behind-body", length(b"5") + b"\r\n" + NEXT, 2),
    ("empty-bare-lf", b"\n" + get(), 400),
    ("empty-bare-cr", b"\r" + get(), 400),
    ("pipelined", NEXT * 5, 5),
    ("pipelined-bodies", length(b"5") * 3 + chunks(HELLO) * 2, 5),
    ("pipelined-bad", NEXT + b"G@T / HTTP/1.1\r\n\r\n" + SMUGGLED, 1),
    ("tls", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40), 400),
    ("nothing-but-nul", bytes(64), 400),
]

GOOD = [
    get(target=b"/a?b=c"), get(b"User-Agent: x\r\nAccept: */*\r\nCookie: a=b\r\n"),
    length(b"5"), length(b"0"), chunks(HELLO),
    chunks(b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: u\r\n\r\n"),
    NEXT + length(b"5") + NEXT, chunks(HELLO) + NEXT, get(target=b"http://h/a"),
    get(b"Connection: keep-alive\r\n", version=b"HTTP/1.0") + NEXT,
    length(b"35", SMUGGLED) + NEXT, line(b"OPTIONS * HTTP/1.1") + NEXT,
    post(b"Expect: 100-continue\r\nContent-Length: 5\r\n", b"hello"),
]

BYTES = [b"\r", b"\n", b"\r\n", b"\0", b" ", b"\t", b"\x0b", b"\x0c", b":", b";", b",", b"0", b"9",
         b"-", b"+", b"_", b"\"", b"\x7f", b"\x80", b"\xff", b"/", b"?", b"#", b"@", b"a"]
LINES = [b"Content-Length: 5", b"Content-Length: 0", b"Content-Length: 46", b"content-length:5",
         b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity",
         b"Transfer-encoding:\tchunked", b"Transfer_Encoding: chunked",
         b"Transfer-Encoding : chunked", b"Host: evil", b" folded", b"Connection: close",
         b"Connection: keep-alive, transfer-encoding, content-length", b"Expect: 100-continue",
         b"Upgrade: h2c", b"TE: trailers", b"X-Forwarded-For: 6.6.6.6", b"", b":", b"x",
         b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"]


def mutated(random_, message):
    """One change of the kinds that smuggling is made of."""
    lines = message.split(b"\r\n")
    kind = random_.randrange(11)
    place = random_.randrange(len(message) + 1)
    row = random_.randrange(len(lines))
    if kind == 0:
        return message[:place] + random_.choice(BYTES) + message[place:]
    if kind == 1:
        return message[:place] + message[place + 1:]
    if kind == 2:
        return message[:place] + random_.choice(BYTES) + message[place + 1:]
    if kind in (3, 4, 5):
        lines.insert(max(row, 1), random_.choice(LINES))
    elif kind == 6:
        lines.insert(row, lines[row])
    elif kind == 7:
        del lines[row]
    elif kind == 8:
        lines[row] = lines[row].swapcase()
    elif kind == 9:
        other = random_.choice(GOOD).split(b"\r\n")
        return b"\r\n".join(lines[:row] + other[random_.randrange(len(other)):])
    else:
        joint = random_.choice([b"\n", b"\r", b"\n\r", b"\r\r\n", b"\r\n "])
        return b"\r\n".join(lines[:row + 1]) + joint + b"\r\n".join(lines[row + 1:])
    return b"\r\n".join(lines)


def generate(seed, count):
    """Names and bytes; the same for the same seed."""
    random_ = random.Random(seed)
    made = []
    for number in range(count):
        message = random_.choice(GOOD)
        for _ in range(random_.choice((1, 1, 2, 3))):
            message = mutated(random_, message)
        made.append((f"seed-{seed}-{number}", message))
    return made
