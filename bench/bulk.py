#!/usr/bin/python3
"""Many bytes through a TCP proxy, cheaply at both ends: sent from a file (sendfile), and taken
without being copied (MSG_TRUNC). Every byte is counted; what they are, is another test's business.

usage: bulk.py serve ADDRESS:PORT
       bulk.py get|put ADDRESS:PORT BYTES CONNECTIONS     prints the seconds it took
"""
import os
import socket
import sys
import threading
import time

CHUNK = 1 << 20
FIRST = 32  # bytes of what is asked: "get 1000", "put 1000", filled up with spaces
DONE = b"done"


def source():
    """A file of one chunk, in memory."""
    file = os.memfd_create("bulk")
    os.truncate(file, CHUNK)
    os.pwrite(file, bytes(CHUNK), 0)
    return file


def send(sock, count, file):
    while count > 0:
        count -= os.sendfile(sock.fileno(), file, 0, min(CHUNK, count))


def take(sock, count):
    """Takes count bytes; an end before them is an error."""
    buffer = memoryview(bytearray(CHUNK))
    while count > 0:
        got = sock.recv_into(buffer, min(CHUNK, count), socket.MSG_TRUNC)
        if got == 0:
            raise EOFError(f"{count} bytes are lost")
        count -= got


def take_all(sock, count):
    data = b""
    while len(data) < count:
        part = sock.recv(count - len(data))
        if not part:
            raise EOFError("an end instead of an answer")
        data += part
    return data


def answer(sock, file):
    with sock:
        first = sock.recv(FIRST, socket.MSG_WAITALL)
        if len(first) < FIRST:
            return  # somebody who looked whether we listen
        verb, count = first.split()
        if verb == b"get":
            send(sock, int(count), file)
        else:
            take(sock, int(count))
            sock.sendall(DONE)


def serve(address):
    file = source()
    with socket.create_server(address, backlog=128) as listener:
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=answer, args=(sock, file), daemon=True).start()


def ask(verb, address, count, file):
    with socket.create_connection(address) as sock:
        sock.sendall(f"{verb} {count}".ljust(FIRST).encode())
        if verb == "get":
            take(sock, count)
            if sock.recv(1):
                raise EOFError("more bytes than were asked for")
        else:
            send(sock, count, file)
            if take_all(sock, len(DONE)) != DONE:
                raise EOFError("the server did not get all")


def transfer(verb, address, count, connections):
    """Raises what went wrong on any connection."""
    file, errors = source(), []

    def one():
        try:
            ask(verb, address, count // connections, file)
        except (OSError, EOFError) as error:
            errors.append(error)
    threads = [threading.Thread(target=one) for _ in range(connections)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return time.monotonic() - began


def main(verb, address, *more):
    host, port = address.split(":")
    if verb == "serve":
        serve((host, int(port)))
    else:
        print(transfer(verb, (host, int(port)), *map(int, more)))


if __name__ == "__main__":
    main(*sys.argv[1:])
