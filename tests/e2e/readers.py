"""Two real servers, nginx and Apache, that write down what they read: a line of JSON a request.

Both are set to their most lenient, so that a doubtful message that reaches them is read, not
refused. A reading has: client (address), span (of the traceparent), method, target, host, body
(MD5), status, number (of the request on its connection).
"""
import hashlib
import json
import os
import pathlib
import pwd
import shutil
import tempfile

from peers import Peer, UNPACKED, binary, free_port

NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
{user}
events {{ worker_connections 2048; }}
http {{
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  log_format read escape=json '{{"client":"$remote_addr","trace":"$http_traceparent",'
    '"method":"$request_method","target":"$request_uri","host":"$http_host","body":"$request_body",'
    '"status":$status,"number":$connection_requests,"line":"$request"}}';
  access_log off; keepalive_requests 1000000; merge_slashes off;
  ignore_invalid_headers off; underscores_in_headers on; large_client_header_buffers 8 64k;
  client_body_buffer_size 1m; client_body_in_single_buffer on; client_max_body_size 1m;
  keepalive_timeout 20s; client_header_timeout 5s; client_body_timeout 5s; lingering_close off;
  server {{
    listen 127.0.0.1:{port};
    access_log {folder}/read.log read;
    location / {{ proxy_pass http://unix:{folder}/sink; proxy_ignore_client_abort on;
                  proxy_method POST; proxy_set_header Host sink; proxy_pass_request_headers off; }}
  }}
  server {{ listen unix:{folder}/sink; location / {{ return 200 "read\\n"; }} }}
}}
"""

APACHE = """
ServerRoot {unpacked}/usr/lib/apache2
PidFile {folder}/apache.pid
DefaultRuntimeDir {folder}
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule alias_module modules/mod_alias.so
LoadModule cgi_module modules/mod_cgi.so
LoadModule reqtimeout_module modules/mod_reqtimeout.so
ServerName read
Listen 127.0.0.1:{port}
{user}
StartServers 1
ServerLimit 1
ThreadsPerChild 64
MaxRequestWorkers 64
MaxKeepAliveRequests 0
KeepAliveTimeout 20
RequestReadTimeout header=5 body=5
HttpProtocolOptions Unsafe LenientMethods Allow0.9
LimitRequestLine 65536
LimitRequestFieldSize 65536
LimitRequestFields 0
AllowEncodedSlashes NoDecode
MergeSlashes Off
TraceEnable Off
DocumentRoot {folder}
ErrorLog {folder}/error.log
LogLevel crit
LogFormat "%a\\t%{{traceparent}}i\\t%m\\t%r\\t%{{Host}}i\\t%{{X-Read}}o\\t%>s\\t%k" read
CustomLog {folder}/read.log read
ScriptAliasMatch "^" "{folder}/read"
<Directory {folder}>
  Require all granted
</Directory>
"""

# POSIX sh: one fork for the body. Its sum goes back in a field, where the log finds it.
SCRIPT = """#!/bin/sh
sum=$(md5sum)
printf 'Content-Type: text/plain\\r\\nX-Read: %s\\r\\n\\r\\nread\\n' "${sum%% *}"
"""

NO_BODY = hashlib.md5(b"").hexdigest()


def root_only(line):
    return line if os.geteuid() == 0 else ""


class Reader:
    """A running server and its readings."""

    def __init__(self, peer, log, parse):
        self.peer, self.port, self.address = peer, peer.port, peer.address
        self._log, self._parse, self._offset = log, parse, 0

    def readings(self):
        """Those that came since the last call."""
        data = self._log.read_bytes() if self._log.exists() else b""
        end = data.rfind(b"\n") + 1
        lines = data[self._offset:end].splitlines()
        self._offset = end
        return [self._parse(line) for line in lines]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.peer.stop()


def span_of(traceparent):
    parts = traceparent.split("-")
    return parts[2] if len(parts) == 4 else ""


def target_of(line):
    """What stands between the method and the version of a request line."""
    words = line.split(" ")
    return " ".join(words[1:-1]) if len(words) > 2 else " ".join(words[1:])


def parse_nginx(line):
    found = json.loads(line.decode("latin-1"), strict=False)
    body = found.pop("body").encode("latin-1")
    return {"client": found["client"], "span": span_of(found["trace"]), "method": found["method"],
            "target": found["target"], "host": found["host"],
            "body": hashlib.md5(body).hexdigest(), "status": found["status"],
            "number": found["number"], "line": found["line"]}


def unescape(text):
    r"""Apache writes \" \\ \t and \xhh; "-" is nothing."""
    if text == "-":
        return ""
    return text.encode("latin-1").decode("unicode_escape") if "\\" in text else text


def parse_apache(line):
    client, trace, method, whole, host, body, status, number = \
        map(unescape, line.decode("latin-1").split("\t"))
    return {"client": client, "span": span_of(trace), "method": method,
            "target": target_of(whole), "host": host, "body": body or NO_BODY,
            "status": int(status), "number": int(number or 0) + 1, "line": whole}


def nginx(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True)
    conf, port = folder / "nginx.conf", free_port()
    conf.write_text(NGINX.format(folder=folder, port=port, user=root_only("user root;")))
    peer = Peer("nginx", folder, [binary("nginx"), "-p", str(folder), "-e",
                                  str(folder / "error.log"), "-c", str(conf)], port)
    return Reader(peer, folder / "read.log", parse_nginx)


class Apache(Reader):
    """Where we are root it runs as nobody, so in a folder that everybody may enter."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="giliran-apache-"))
        self.folder.chmod(0o755)
        script = self.folder / "read"
        script.write_text(SCRIPT)
        script.chmod(0o755)
        nobody = pwd.getpwnam("nobody")
        port = free_port()
        (self.folder / "apache.conf").write_text(APACHE.format(
            folder=self.folder, port=port, unpacked=UNPACKED / "apache2-bin" / "root",
            user=root_only(f"User #{nobody.pw_uid}\nGroup #{nobody.pw_gid}")))
        program = binary("apache2")
        command = [program, "-DFOREGROUND", "-f", str(self.folder / "apache.conf")]
        super().__init__(Peer("apache2", self.folder, command, port), self.folder / "read.log",
                         parse_apache)

    def __exit__(self, *_):
        super().__exit__()
        shutil.rmtree(self.folder, ignore_errors=True)


def apache():
    return Apache()
