#!/usr/bin/python3
"""Stands for the server of the tutorial's part 3 (UDP): no listen, no accept, one loop.

usage: udp_server.py HOST PORT

Says what came and from whom, and answers it in upper case. PORT 0: any; it says which.
"""

import socket
import sys


def main(host, port):
    server = socket.socket(type=socket.SOCK_DGRAM)
    server.bind((host, int(port)))
    print("listening on %s:%d" % server.getsockname(), flush=True)
    while True:
        data, addr = server.recvfrom(1024)
        print("from %s:%d" % addr, data, flush=True)
        server.sendto(data.upper(), addr)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: udp_server.py HOST PORT")
    main(*sys.argv[1:])
