#!/usr/bin/python3
"""Stands for the client of the tutorial's part 1 (upload over TCP).

usage: upload_client.py HOST PORT FOLDER [NAME]

On the wire it is that client: the length by struct.pack('i'), a dictionary as json.dumps writes it
(ASCII, other characters escaped), then the file; several files on one connection, with a person's
pause at the menu between them; and it never reads. NAME: send every file under this one name, as
the tutorial does. The menu goes on until its input ends.
"""

import json
import os
import socket
import struct
import sys


def send_file(hub, path, name):
    announced = {"file_name": name, "file_size": os.path.getsize(path), "msg": "一路顺风"}
    dictionary = json.dumps(announced).encode("utf-8")
    # Length, dictionary and content leave one by one, so they may well arrive in pieces.
    hub.sendall(struct.pack("i", len(dictionary)))
    hub.sendall(dictionary)
    with open(path, "rb") as file:
        for line in file:
            hub.sendall(line)


def menu(hub, folder, one_name):
    while True:
        names = sorted(os.listdir(folder))
        for number, name in enumerate(names, 1):
            print(number, name)
        print("number to upload>>>: ", end="", flush=True)
        choice = sys.stdin.readline()
        if not choice:
            return
        choice = choice.strip()
        if not choice.isdecimal():
            print("must be a number")
        elif not 1 <= int(choice) <= len(names):
            print("not in range")
        else:
            name = names[int(choice) - 1]
            send_file(hub, os.path.join(folder, name), one_name or name)
            print("sent", name, flush=True)


def main(host, port, folder, one_name=None):
    with socket.create_connection((host, int(port))) as hub:
        menu(hub, folder, one_name)


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit("usage: upload_client.py HOST PORT FOLDER [NAME]")
    main(*sys.argv[1:])
