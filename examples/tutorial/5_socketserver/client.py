#!/usr/bin/python3
"""Stands for the clients of the tutorial's part 5, over TCP and over UDP.

usage: client.py tcp|udp HOST PORT TEXT...

Sends each TEXT and prints its answer, by one recv each, as the tutorial's clients do.
"""

import socket
import sys

PATIENCE_S = 20


def ask_tcp(address, texts):
    with socket.socket() as client:
        client.settimeout(PATIENCE_S)
        client.connect(address)
        for text in texts:
            client.send(text.encode())
            print(client.recv(1024).decode("utf-8"), flush=True)


def ask_udp(address, texts):
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE_S)
        for text in texts:
            client.sendto(text.encode(), address)
            data, _ = client.recvfrom(1024)
            print(data.decode("utf-8"), flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 5 or sys.argv[1] not in ("tcp", "udp"):
        sys.exit("usage: client.py tcp|udp HOST PORT TEXT...")
    {"tcp": ask_tcp, "udp": ask_udp}[sys.argv[1]]((sys.argv[2], int(sys.argv[3])), sys.argv[4:])
