"""Python's own socketserver: an upper-case echo of TCP, a thread for each connection.

usage: python_tcp.py ADDR:PORT; prints "listening on ADDR:PORT", then serves until killed
"""

import socket
import socketserver
import sys


class Upper(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while text := self.request.recv(65536):
                self.request.sendall(text.upper())
        except ConnectionError:
            pass  # the client is gone


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 4096


def main(arguments):
    host, _, port = (arguments or ["127.0.0.1:0"])[0].rpartition(":")
    with Server((host, int(port)), Upper) as server:
        print(f"listening on {host}:{server.server_address[1]}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
