#!/usr/bin/python3
"""Stands for the server of the tutorial's part 1 (upload over TCP).

usage: upload_server.py HOST PORT FOLDER

It reads as that server does, faults included: four bytes by one recv, the dictionary by one recv,
then the file by 1024 bytes, which at its end may swallow the head of the next one; one client at a
time, and never an answer. It survives a connection that is reset, and dies of one that ends in an
orderly way: the four bytes are then none. Unlike the tutorial's it writes into FOLDER only,
whatever a file calls itself. PORT 0: any; it says which.
"""

import json
import os
import socket
import struct
import sys


def take_file(conn, folder):
    (length,) = struct.unpack("i", conn.recv(4))
    announced = json.loads(conn.recv(length).decode("utf-8"))
    name = os.path.basename(announced["file_name"])
    taken = 0
    with open(os.path.join(folder, name), "wb") as file:
        while taken < announced["file_size"]:
            data = conn.recv(1024)
            file.write(data)
            taken += len(data)
    print("stored", name, flush=True)


def main(host, port, folder):
    server = socket.create_server((host, int(port)), backlog=5)
    print("listening on %s:%d" % server.getsockname()[:2], flush=True)
    while True:
        conn, _ = server.accept()
        while True:
            try:
                take_file(conn, folder)
            except ConnectionResetError as error:
                print(error, flush=True)
                break
        conn.close()


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: upload_server.py HOST PORT FOLDER")
    main(*sys.argv[1:])
