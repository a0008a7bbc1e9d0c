"""Python's own socketserver: an upper-case echo of UDP, a thread for each datagram.

usage: python_udp.py ADDR:PORT; prints "listening on ADDR:PORT", then serves until killed
"""

import socketserver
import sys


class Upper(socketserver.BaseRequestHandler):
    def handle(self):
        text, answers = self.request
        answers.sendto(text.upper(), self.client_address)


class Server(socketserver.ThreadingUDPServer):
    daemon_threads = True
    max_packet_size = 65536


def main(arguments):
    host, _, port = (arguments or ["127.0.0.1:0"])[0].rpartition(":")
    with Server((host, int(port)), Upper) as server:
        print(f"listening on {host}:{server.server_address[1]}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
