"""Real programs at the coordinator's sides, on free ports of 127.0.0.1: nginx, haproxy, redis.

Nothing is installed: ./run unpacks their Debian packages into build/peers. Each peer is a process
of ours, with a generated configuration in a folder of its own, ended by its id.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
UNPACKED = ROOT / "build" / "peers"
START_S = 10
STOP_S = 10


def binary(name):
    """Path of a peer's program: unpacked by ./run, else what this machine has; None without."""
    for package in (name, f"{name}-bin"):
        for folder in ("usr/sbin", "usr/bin"):
            path = UNPACKED / package / "root" / folder / name
            if path.exists():
                return str(path)
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def free_port():
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(condition, what, seconds=10.0, every=0.02):
    """Waits for a true value and returns it; the bound is generous, passing is immediate."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(every)


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class Peer:
    """A running program that answers on self.port; a context manager."""

    def __init__(self, name, folder, command, port, executable=None):
        self.name, self.folder, self.port = name, folder, port
        self.address = f"127.0.0.1:{port}"
        self.log = folder / f"{name}.out"
        with open(self.log, "wb") as out:
            self.process = subprocess.Popen(command, executable=executable, cwd=folder,
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            until(self._ready, f"{name} answers on port {port}", START_S)
        except Exception as problem:
            self.stop()
            text = self.log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{problem}; it said: {text}") from None

    def _ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}")
        return answers(self.port)

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGKILL)
                self.process.wait()
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log {folder}/access.log; sendfile on; keepalive_requests 1000000;
  client_max_body_size 1g; client_body_timeout 30s; default_type application/octet-stream;
  client_body_temp_path {folder}/t/b; proxy_temp_path {folder}/t/p; fastcgi_temp_path {folder}/t/f;
  uwsgi_temp_path {folder}/t/u; scgi_temp_path {folder}/t/s;
  server {{
    listen 127.0.0.1:{port}{listen};
    root {folder}/www;
    location / {{ dav_methods PUT DELETE; create_full_put_path on; }}
    location /gzip/ {{ alias {folder}/www/; gzip on; gzip_types *; gzip_proxied any; }}
    location = /proxied {{ return 200 "$proxy_protocol_addr:$proxy_protocol_port\\n"; }}
    location = /any {{ return 200 "$request_method\\n"; }}
    location = /seen {{
      return 200 "host=$http_host\\nxff=$http_x_forwarded_for\\nproto=$http_x_forwarded_proto
via=$http_via\\ntraceparent=$http_traceparent\\nconnection=$http_connection\\nkeep=$http_keep_alive
hop=$http_x_hop\\nte=$http_te\\nua=$http_user_agent\\n";
    }}
  }}
}}
"""


def nginx(folder, listen=""):
    """Serves folder/www (PUT and DELETE allowed), /any for every method, /seen: the head it got,
    /proxied: who a PROXY header says is asking, where `listen` has " proxy_protocol".
    """
    folder = pathlib.Path(folder)
    (folder / "www").mkdir(parents=True)
    (folder / "t").mkdir()
    os.chmod(folder / "www", 0o777)
    port = free_port()
    conf = folder / "nginx.conf"
    user = "user root;\n" if os.geteuid() == 0 else ""
    conf.write_text(user + NGINX.format(folder=folder, port=port, listen=listen))
    log = str(folder / "error.log")
    command = [binary("nginx"), "-p", str(folder), "-e", log, "-c", str(conf)]
    return Peer("nginx", folder, command, port)


HAPROXY = """
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend in
  bind 127.0.0.1:{port}{bind}
  http-request return status 200 content-type text/plain lf-string "%ci:%cp\\n" \
    if {{ path /proxied }}
  default_backend out
backend out
{servers}
"""


def haproxy(folder, servers, bind="", server=""):
    """In front of servers, or by itself: /proxied says who asks. `bind` may have " accept-proxy",
    `server` " send-proxy".
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    conf = folder / "haproxy.cfg"
    lines = "\n".join(f"  server s{i} {address}{server}" for i, address in enumerate(servers))
    conf.write_text(HAPROXY.format(port=port, servers=lines, bind=bind))
    return Peer("haproxy", folder, [binary("haproxy"), "-db", "-f", str(conf)], port)


# Debian's redis-tools has the server under another name: what it is, it reads from its own name.
REDIS_SERVER = "/usr/bin/redis-check-rdb"


def redis(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "",
               "--appendonly", "no", "--dir", str(folder), "--daemonize", "no"]
    return Peer("redis", folder, command, port, executable=REDIS_SERVER)


class RawServer:
    """A TCP server of a few lines of Python: handle(connection, number) runs on a thread each."""

    def __init__(self, handle, backlog=128, receive_buffer=None):
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(backlog)
        self._handle = handle
        self.port = self._socket.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.accepted += 1
            connection.settimeout(30)
            threading.Thread(target=self._serve, daemon=True,
                             args=(connection, self.accepted)).start()

    def _serve(self, connection, number):
        with connection, contextlib.suppress(OSError):
            self._handle(connection, number)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def read_head(connection):
    """Bytes up to and with the empty line, and what came behind it; (b"", b"") at the end."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b"", b""
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", rest
