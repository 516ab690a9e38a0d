"""The proxies that are compared, each started for a setup. A contestant's name may carry a variant
after a space: "haproxy splice", "giliran" under the name it was given on the command line."""
import dataclasses
import getpass
import pathlib

from .machine import HAPROXY, NGINX, ROOT
from .process import Process

RELAY = ROOT / "build/bench-relay"
# A proxied TCP connection takes two descriptors, haproxy's splicing more: of the 20,000 that are
# usual as the hard limit.
CONNECTIONS_MAX = 7000
NGINX_TEMP = " ".join(f"{kind}_temp_path {{folder}}/{kind};"
                      for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))


@dataclasses.dataclass(frozen=True)
class Setup:
    """What a proxy is to do. The same for every contestant of a row."""
    folder: pathlib.Path      # its own
    protocol: str             # "tcp", "http"
    listen: int               # port of 127.0.0.1
    servers: tuple[str, ...]  # "address:port", in turn
    cpus: str
    log: bool = False
    workers: int = 1


def start(name, binary, setup):
    """A running proxy; None where there is no such peer here. binary: of a giliran, else None."""
    kind, _, variant = name.partition(" ")
    if binary is not None:
        process = giliran(binary, setup)
    elif kind == "relay":
        process = Process([RELAY, setup.listen, *setup.servers], setup.cpus)
    elif kind == "haproxy":
        process = haproxy(setup, splice=variant == "splice")
    else:
        process = nginx(setup)
    return process.wait_port(setup.listen) if process else None


def giliran(binary, setup):
    servers = [word for server in setup.servers for word in ("--server", server)]
    log = ["--log", setup.folder / "giliran.log"] if setup.log else []
    return Process([binary, "coordinator", "--listen", f"{setup.protocol}://127.0.0.1:{setup.listen}",
                    *servers, "--threads", setup.workers, "--idle-timeout", "10m", *log],
                   setup.cpus, setup.folder / "out")


def haproxy(setup, splice=False):
    if not HAPROXY.exists():
        return None
    log = "log stdout format raw local0\n option httplog" if setup.log else ""
    # Not splice-auto: that spliced nothing here (16,388 sends and no splice for 256 MiB).
    splicing = "option splice-request\n option splice-response" if splice else ""
    # With many clients it would close the idle connections to the servers to spare descriptors.
    servers = "\n ".join(f"server s{i} {server}" for i, server in enumerate(setup.servers))
    (setup.folder / "haproxy.cfg").write_text(f"""global
 nbthread {setup.workers}
 maxconn {CONNECTIONS_MAX}
 tune.pool-high-fd-ratio 90
 tune.pool-low-fd-ratio 80
defaults
 mode {setup.protocol}
 timeout connect 5s
 timeout client 10m
 timeout server 10m
 {log}
 {splicing}
frontend f
 bind 127.0.0.1:{setup.listen}
 default_backend b
backend b
 {"http-reuse always" if setup.protocol == "http" else ""}
 {servers}
""")
    return Process([HAPROXY, "-f", setup.folder / "haproxy.cfg"], setup.cpus, setup.folder / "out")


def nginx(setup):
    modules = list((ROOT / "build/peers").rglob("ngx_stream_module.so"))
    if not NGINX.exists() or (setup.protocol == "tcp" and not modules):
        return None
    servers = " ".join(f"server {server};" for server in setup.servers)
    # Workers that share one listening socket share the work unevenly.
    listen = f"listen 127.0.0.1:{setup.listen} backlog=4096" + \
        (" reuseport;" if setup.workers > 1 else ";")
    if setup.protocol == "tcp":
        load = f"load_module {modules[0]};"
        body = f"stream {{ upstream u {{ {servers} }} server {{ {listen} proxy_pass u; }} }}"
    else:
        load = ""
        log = f"{setup.folder}/nginx.log combined" if setup.log else "off"
        # No files for bodies that come or go slowly: the others have none either.
        body = f"""http {{ access_log {log}; keepalive_requests 100000000; keepalive_timeout 10m;
{NGINX_TEMP.format(folder=setup.folder)} proxy_max_temp_file_size 0;
client_body_buffer_size 64k;
upstream u {{ {servers} keepalive 200; keepalive_requests 100000000; }}
server {{ {listen} location / {{ proxy_pass http://u; proxy_http_version 1.1;
proxy_set_header Connection ""; }} }} }}"""
    return nginx_process(setup.folder, setup.cpus, setup.workers, load, body)


def nginx_process(folder, cpus, workers, load, body):
    conf = folder / "nginx.conf"
    # As root its workers would be nobody, who may not read our files.
    conf.write_text(f"""{load} user {getpass.getuser()};
worker_processes {workers}; daemon off; pid {folder}/pid;
error_log {folder}/error.log; worker_rlimit_nofile 20000;
events {{ worker_connections {2 * CONNECTIONS_MAX}; }}
{body}
""")
    return Process([NGINX, "-c", conf, "-p", folder, "-e", folder / "error.log"], cpus,
                   folder / "out")
