#!/usr/bin/python3
"""Stands for the server of the tutorial's part 6 (a small QQ over UDP).

usage: qq_server.py HOST PORT

Like the tutorial's it shows a message, and then serves nobody until its operator has typed the
answer to that one. PORT 0: any; it says which.
"""

import socket
import sys


def main(host, port):
    server = socket.socket(type=socket.SOCK_DGRAM)
    server.bind((host, int(port)))
    print("listening on %s:%d" % server.getsockname(), flush=True)
    while True:
        data, addr = server.recvfrom(1024)
        print(data.decode("utf-8"), flush=True)
        answer = sys.stdin.readline()
        if not answer:
            return
        server.sendto(answer.rstrip("\n").encode("utf-8"), addr)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: qq_server.py HOST PORT")
    main(*sys.argv[1:])
