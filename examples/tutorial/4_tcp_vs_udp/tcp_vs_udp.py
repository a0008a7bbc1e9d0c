#!/usr/bin/python3
"""Part 4 of the tutorial in Python: what tells TCP from UDP, side by side, on this machine alone.

usage: tcp_vs_udp.py

tutorial_tcp_vs_udp.cc shows the same with the C++ library; both print the same lines.
"""

import os
import socket
import threading

HERE = ("127.0.0.1", 0)
PATIENCE_S = 20
NUMBERS = 5000


def row(tcp, udp):
    print(f"  tcp  {tcp}\n  udp  {udp}")


def datagrams(timeout=PATIENCE_S):
    one = socket.socket(type=socket.SOCK_DGRAM)
    one.settimeout(timeout)
    one.bind(HERE)
    return one


def listener():
    return socket.create_server(HERE, backlog=64)


def call(server):
    return socket.create_connection(server.getsockname(), PATIENCE_S)


def connection_or_none():
    print("== a connection, or none")
    with listener() as gone:
        nobody = gone.getsockname()
    tcp = "connects to nobody"
    try:
        socket.create_connection(nobody, PATIENCE_S).close()
    except ConnectionRefusedError:
        tcp = "is refused before a byte is sent"
    with datagrams() as here:
        here.sendto(b"hello", nobody)
    row(tcp, "sends, and hears nothing")


def read_exactly(conn, size):
    data = b""
    while len(data) < size and (some := conn.recv(size - len(data))):
        data += some
    return data


def stream_or_datagrams():
    print("== a stream, or datagrams")
    with listener() as server, call(server) as client:
        for _ in range(3):
            client.sendall(b"hello")
        client.shutdown(socket.SHUT_WR)
        conn, _ = server.accept()
        with conn:
            stream = read_exactly(conn, 1024).decode()
    with datagrams() as there, datagrams() as here:
        for _ in range(3):
            here.sendto(b"hello", there.getsockname())
        came = "".join(f"[{there.recv(1024).decode()}]" for _ in range(3))
    row(f"[{stream}]", came)


def piece(number):
    return str(number).encode().ljust(1000, b".")


def whole_or_lossy():
    print("== all of it in order, or what there was room for")
    with listener() as server, call(server) as client:
        def send():
            for number in range(NUMBERS):
                client.sendall(piece(number))
        sender = threading.Thread(target=send)
        sender.start()
        conn, _ = server.accept()
        with conn:
            whole = all(read_exactly(conn, 1000) == piece(number) for number in range(NUMBERS))
        sender.join()
    came = 0
    with datagrams(0.2) as there, datagrams() as here:
        for number in range(NUMBERS):
            here.sendto(piece(number), there.getsockname())
        try:
            while came < NUMBERS:
                there.recv(1024)
                came += 1
        except TimeoutError:
            pass  # nothing more is on the way
    row("all 5000, in order" if whole else "not all",
        "fewer than 5000, and no error" if came < NUMBERS else "all 5000")


def much_or_little():
    print("== what 50 clients cost the server")
    def count():
        return len(os.listdir("/proc/self/fd"))
    with listener() as server:
        clients = [call(server) for _ in range(50)]
        before = count()
        ends = [server.accept()[0] for _ in range(50)]
        tcp = count() - before
        for one in clients + ends:
            one.close()
    with datagrams() as server:
        senders = [datagrams() for _ in range(50)]
        before = count()
        for sender in senders:
            sender.sendto(b"hello", server.getsockname())
            server.sendto(*server.recvfrom(1024))
        udp = count() - before
        for one in senders:
            one.close()
    row(f"{tcp} sockets more", f"{udp} sockets more")


if __name__ == "__main__":
    connection_or_none()
    stream_or_datagrams()
    whole_or_lossy()
    much_or_little()
