#!/usr/bin/python3
"""Stands for the client of the tutorial's part 3 (UDP): no connect; sends, then waits for an answer.

usage: udp_client.py HOST PORT TEXT...

Prints every answer. The tutorial's sends hello for ever and never sleeps; this one sends each TEXT
once.
"""

import socket
import sys

PATIENCE_S = 20


def main(host, port, *texts):
    client = socket.socket(type=socket.SOCK_DGRAM)
    client.settimeout(PATIENCE_S)
    server_address = (host, int(port))
    for text in texts:
        client.sendto(text.encode(), server_address)
        data, addr = client.recvfrom(1024)
        print("from %s:%d" % addr, data, flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit("usage: udp_client.py HOST PORT TEXT...")
    main(*sys.argv[1:])
