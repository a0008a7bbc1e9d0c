#!/usr/bin/python3
"""Stands for the servers of the tutorial's part 5: a handler class, and Python's socketserver.

usage: server.py tcp|udp|threading_tcp|threading_udp HOST PORT

Says whose request it serves and what was sent, and answers in upper case; PORT 0: any, and it says
which. The tutorial's loops for ever, over TCP at a client's end too, and over UDP over one
datagram; these end.
"""

import socketserver
import sys


class OfConnection(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(1024):
            print("%s:%d" % self.client_address, data.decode("utf-8"), flush=True)
            self.request.sendall(data.upper())


class OfDatagram(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        print("%s:%d" % self.client_address, data.decode("utf-8"), flush=True)
        sock.sendto(data.upper(), self.client_address)


KINDS = {
    "tcp": (socketserver.TCPServer, OfConnection),
    "threading_tcp": (socketserver.ThreadingTCPServer, OfConnection),
    "udp": (socketserver.UDPServer, OfDatagram),
    "threading_udp": (socketserver.ThreadingUDPServer, OfDatagram),
}


def main(kind, host, port):
    server_class, handler = KINDS[kind]
    with server_class((host, int(port)), handler) as server:
        print("listening on %s:%d" % server.server_address, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in KINDS:
        sys.exit("usage: server.py tcp|udp|threading_tcp|threading_udp HOST PORT")
    main(*sys.argv[1:])
