#!/usr/bin/python3
"""Stands for the client of the tutorial's part 6 (a small QQ over UDP).

usage: qq_client.py HOST PORT

On the wire it is that client: each line typed goes out as one datagram under the one name that all
of them have, and then it waits for one answer of at most 1024 bytes, which must be UTF-8. It goes
on until its input ends. The tutorial's waits for ever; this one gives up after a while.
"""

import socket
import sys

PATIENCE_S = 20


def main(host, port):
    client = socket.socket(type=socket.SOCK_DGRAM)
    client.settimeout(PATIENCE_S)
    server_address = (host, int(port))
    for line in sys.stdin:
        message = "来自客户端1的消息:%s" % line.rstrip("\n")
        client.sendto(message.encode("utf-8"), server_address)
        data, _ = client.recvfrom(1024)
        print(data.decode("utf-8"), flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: qq_client.py HOST PORT")
    main(*sys.argv[1:])
