"""skein doctor: what it says of a good path, of one that drops, doubles, reorders, delays and
shortens, and of hubs that are not there."""

import collections
import socket
import struct
import threading
import time
import unittest

from support import Case, Relay, eventually, interrupt, ran

HEAD_BYTES = 40
ECHO, ECHOED = 3, 4
ROUND_TRIPS = 160  # that it measures


class DatagramRelay:
    """Passes datagrams between one client and a hub. `harm(datagram, passed)` makes a list of what
    is sent on of each from the client; `passed` counts echoes of the bare head."""

    def __init__(self, port, hub_port, harm, delay_s=0.0):
        self.harm = harm
        self.delay_s = delay_s
        self.echoes = 0
        self.client = None
        self.near = _udp()
        self.near.bind(("127.0.0.1", port))
        self.far = _udp()
        self.far.connect(("127.0.0.1", hub_port))
        self.queue = collections.deque()
        self.something = threading.Semaphore(0)
        self.closing = False
        for body in (self._up, self._down, self._late):
            threading.Thread(target=body, daemon=True).start()

    def close(self):
        self.closing = True
        self.something.release()
        for one in (self.near, self.far):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it wakes the receiver all the same
            one.close()

    def _up(self):
        while not self.closing:
            try:
                datagram, client = self.near.recvfrom(65536)
            except OSError:
                return
            if client is None:
                return  # woken by close()
            self.client = client
            if len(datagram) == HEAD_BYTES and datagram[4] == ECHO:
                self.echoes += 1
            for one in self.harm(datagram, self.echoes):
                self._send(lambda data=one: self.far.send(data))

    def _down(self):
        while not self.closing:
            try:
                datagram = self.far.recv(65536)
            except ConnectionRefusedError:
                continue  # the hub is gone already
            except OSError:
                return
            if self.client is None:
                return  # woken by close()
            self._send(lambda data=datagram: self.near.sendto(data, self.client))

    def _send(self, action):
        if not self.delay_s:
            return _try(action)
        self.queue.append((time.monotonic() + self.delay_s, action))
        self.something.release()
        return None

    def _late(self):
        while True:
            self.something.acquire()
            if self.closing:
                return
            due, action = self.queue.popleft()
            time.sleep(max(0.0, due - time.monotonic()))  # the delay is what is to be measured
            _try(action)


def _udp():
    one = socket.socket(type=socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    return one


def _try(action):
    try:
        action()
    except OSError:
        pass  # lost, as datagrams may be


def untouched(datagram, _):
    return [datagram]


class Harm:
    """Of echoes of the bare head every 10th is dropped, every 20th comes twice, every 16th comes
    after the next; what is longer than 1300 bytes never arrives."""

    def __init__(self):
        self.held = None

    def __call__(self, datagram, number):
        if len(datagram) > 1300:
            return []
        if len(datagram) != HEAD_BYTES or datagram[4] != ECHO:
            return [datagram]
        if self.held is not None:
            held, self.held = self.held, None
            return [datagram, held]
        if number % 10 == 3:
            return []
        if number % 20 == 6:
            return [datagram, datagram]
        if number % 16 == 8:
            self.held = datagram
            return []
        return [datagram]


class Doctor(Case):
    def doctor(self, address):
        result = self.skein("doctor", address, "--json")
        self.assertEqual(result.err, "", result)
        return result.code, result.last_json

    def path(self, hub, harm, delay_s=0.0):
        """The address of a relay before the hub, for both kinds of traffic on one port."""
        for _ in range(20):
            connections = Relay(hub.port)
            try:
                datagrams = DatagramRelay(connections.port, hub.port, harm, delay_s)
            except OSError:
                connections.close()
                continue
            self.addCleanup(connections.close)
            self.addCleanup(datagrams.close)
            return f"127.0.0.1:{connections.port}"
        raise AssertionError("no port is free for both")

    def test_good_path(self):
        hub = self.hub()
        code, report = self.doctor(hub.address)
        self.assertEqual(code, 0, report)
        self.assertEqual((report["tcp"], report["udp"], report["complete"]), ("yes", "yes", True))
        self.assertEqual((report["address"], report["name"]), (hub.address, "ada"))
        self.assertEqual(report["udp_sent"], ROUND_TRIPS)
        self.assertEqual((report["udp_duplicates"], report["udp_reordered"]), (0, 0))
        self.assertEqual(report["udp_largest_bytes"], 65507)
        for side in ("tcp", "udp"):
            for what in ("connect_us", "round_trip_p50_us", "up_bytes_per_s", "down_bytes_per_s"):
                self.assertGreater(report[f"{side}_{what}"], 0, what)
            self.assertGreaterEqual(report[f"{side}_round_trip_p99_us"],
                                    report[f"{side}_round_trip_p50_us"])
        self.assertEqual(hub.complaints(), [])

    def test_table_is_for_a_person(self):
        hub = self.hub()
        result = self.done("doctor", hub.address)
        for word in ("tcp", "udp", "reachable", "round trip", "jitter", "to the hub", "lost",
                     "came twice", "out of order", "largest in one piece", "advice  "):
            self.assertIn(word, result.out)
        self.assertIn(f'"ada"\nfound   {hub.address} in ', result.out)

    def test_loss_duplicates_order_and_size_are_told_apart(self):
        hub = self.hub()
        code, report = self.doctor(self.path(hub, Harm()))
        self.assertEqual(code, 0, report)
        # Exactly what the relay did, unless a crowded machine loses some more.
        self.assertGreaterEqual(report["udp_lost"], ROUND_TRIPS // 10 - 3, report)
        self.assertLess(report["udp_lost"], ROUND_TRIPS // 2, report)
        self.assertIn(report["udp_duplicates"], range(4, 9), report)
        self.assertIn(report["udp_reordered"], range(4, 11), report)
        self.assertEqual(report["udp_largest_bytes"], 1300, report)
        self.assertIn("get lost", report["advice"])
        self.assertEqual(report["tcp"], "yes")

    def test_delay_is_in_the_round_trip_of_what_is_delayed_alone(self):
        hub = self.hub()
        _, report = self.doctor(self.path(hub, untouched, delay_s=0.02))
        self.assertGreaterEqual(report["udp_round_trip_p50_us"], 40_000, report)
        self.assertLess(report["tcp_round_trip_p50_us"], report["udp_round_trip_p50_us"], report)
        self.assertEqual(report["udp_reordered"], 0, report)
        self.assertGreater(report["udp_up_bytes_per_s"], 0, report)

    def test_datagrams_that_are_swallowed_or_refused(self):
        hub = self.hub()
        code, report = self.doctor(self.path(hub, lambda *_: []))
        self.assertEqual((code, report["tcp"], report["udp"]), (0, "yes", "no answer"), report)
        self.assertIn("UDP does not get through", report["advice"])
        self.assertNotIn("udp_sent", report)
        relay = self.relay(hub)
        code, report = self.doctor(f"127.0.0.1:{relay.port}")
        self.assertEqual((code, report["tcp"], report["udp"]), (0, "yes", "refused"), report)

    def test_nobody_there(self):
        with socket.socket() as free, socket.socket(type=socket.SOCK_DGRAM) as silent:
            free.bind(("127.0.0.1", 0))
            silent.bind(free.getsockname())
            code, report = self.doctor("127.0.0.1:%d" % free.getsockname()[1])
            self.assertEqual((code, report["tcp"], report["udp"]), (5, "refused", "no answer"))
            self.assertIn("nobody listens", report["advice"])

    def test_name_that_nobody_knows(self):
        code, report = self.doctor("no-such-host.invalid:8080")
        self.assertEqual((code, report["tcp"], report["address"]), (5, "not tried", ""), report)
        self.assertIn("the name is not known", report["advice"])

    def test_somebody_who_is_no_hub(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            def serve():
                conn, _ = listener.accept()  # the one that is only called
                conn.close()
                conn, _ = listener.accept()
                conn.sendall(b"220 mail.example ESMTP\r\n")
                conn.recv(4096)
                conn.close()
            threading.Thread(target=serve, daemon=True).start()
            code, report = self.doctor("127.0.0.1:%d" % listener.getsockname()[1])
        self.assertEqual((code, report["tcp"]), (5, "no hub"), report)
        self.assertIn("is no hub", report["tcp_why"])

    def test_somebody_who_takes_the_connection_and_says_nothing(self):
        with socket.create_server(("127.0.0.1", 0), backlog=8) as listener:
            code, report = self.doctor("127.0.0.1:%d" % listener.getsockname()[1])
        self.assertEqual((code, report["tcp"], report["udp"]), (5, "no hub", "refused"), report)
        self.assertIn("does not answer", report["tcp_why"])

    def test_hub_at_an_address_of_ipv6(self):
        hub = self.hub()
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError as error:
            self.skipTest(f"this machine has no IPv6: {error}")
        hub.stop()
        process = self.start("serve", hub.shared, "--listen", "[::1]:0", "--state", hub.state)
        line = process.stdout.readline().decode()
        address = "[::1]:" + line.partition("[::1]:")[2].partition(",")[0]
        code, report = self.doctor(address)
        self.assertEqual((code, report["tcp"], report["udp"]), (0, "yes", "yes"), report)
        self.assertIn(report["udp_largest_bytes"], range(60_000, 65_508), report)

    def test_usage(self):
        for arguments in (["a:1", "b:2"], ["no port"], ["--no-such-flag"]):
            result = self.skein("doctor", *arguments)
            self.assertEqual(result.code, 2, result)
            self.assertIn("skein: hint: ", result.err)

    def test_interrupted_says_that_it_is_not_all(self):
        hub = self.hub()
        process = self.start("doctor", hub.address, "--json")
        eventually(lambda: _connections_to(hub.port) > 0, "it never called")
        interrupt(process)
        result = ran(process)
        self.assertIn(result.code, (3, 5), result)  # 5: before the hub answered
        self.assertFalse(result.last_json["complete"], result)

    def test_hub_sends_nobody_more_than_he_sent_before_he_echoed_a_cookie(self):
        hub = self.hub()
        with socket.socket(type=socket.SOCK_DGRAM) as client:
            client.connect(("127.0.0.1", hub.port))
            client.settimeout(40)
            nothing = bytes(16)
            for kind in (ECHO, 5, 2, 6):
                client.send(_probe(kind, 1, nothing, 32, 1472))
            client.send(b"\0" * 39)
            client.send(b"\0")
            client.send(b"")
            client.send(_probe(1, 7, nothing))
            knocked = client.recv(65536)
            self.assertEqual((len(knocked), knocked[4], knocked[8]), (HEAD_BYTES, 2, 7))
            cookie = knocked[16:32]
            client.send(_probe(5, 9, cookie, 3, 1000))
            for number in range(3):
                pulled = client.recv(65536)
                self.assertEqual((len(pulled), pulled[4], pulled[32]), (1000, 6, number))
        with socket.socket(type=socket.SOCK_DGRAM) as thief:  # another port, the same cookie
            thief.connect(("127.0.0.1", hub.port))
            thief.settimeout(40)
            thief.send(_probe(5, 9, cookie, 32, 1472))
            thief.send(_probe(1, 8, nothing))
            self.assertEqual(len(thief.recv(65536)), HEAD_BYTES)


def _probe(kind, sequence, cookie, count=0, size=0):
    return b"\0sk1" + struct.pack("<IQ", kind, sequence) + cookie + struct.pack("<II", count, size)


def _connections_to(port):
    """How many connections this machine has to that port, by its own account."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table][1:]
    return sum(row[2].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


if __name__ == "__main__":
    unittest.main()
