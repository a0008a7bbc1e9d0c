"""Messages over HTTP with the real program: what a browser, curl and worse send to a hub."""

import http.client
import json
import re
import shutil
import socket
import subprocess
import unittest
import urllib.parse

from support import PATIENCE_S, Case, ended, eventually, free_port

LARGEST = 1 << 53


class Answer:
    """One answer, taken apart: status, fields by their names in lower case, body."""

    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    @property
    def lines(self):
        return [json.loads(line) for line in self.body.splitlines()]

    def __repr__(self):
        return f"{self.status} {self.fields} {self.body!r}"


class Wire:
    """A connection on which one may say what no good client would."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self.name = "127.0.0.1:%d" % self.socket.getsockname()[1]  # as the hub's log has it
        self.reader = self.socket.makefile("rb")

    def close(self):
        self.reader.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def head(self):
        """Status and fields of the next answer; (0, {}) when the connection ends without one."""
        line = self.reader.readline()
        if not line:
            return 0, {}
        assert line.startswith(b"HTTP/1.1 ") and line.endswith(b"\r\n"), line
        fields = {}
        while (field := self.reader.readline()) != b"\r\n":
            name, _, value = field.decode().partition(":")
            fields[name.lower()] = value.strip()
        return int(line[9:12]), fields

    def answer(self, bare=False):
        status, fields = self.head()
        if bare or status < 200 or status == 204:
            return Answer(status, fields, b"")
        if fields.get("transfer-encoding") == "chunked":
            return Answer(status, fields, b"".join(self.chunks()))
        if "content-length" in fields:
            return Answer(status, fields, self.reader.read(int(fields["content-length"])))
        return Answer(status, fields, self.reader.read())

    def chunks(self):
        while size := int(self.reader.readline(), 16):
            yield self.reader.read(size)
            assert self.reader.read(2) == b"\r\n"
        assert self.reader.readline() == b"\r\n"

    def rest(self):
        """All that comes until the hub ends the connection."""
        try:
            return self.reader.read()
        except ConnectionError:
            return b""


class Events:
    """Somebody at GET /events, as a browser's EventSource."""

    def __init__(self, port, target="/events", last=None):
        self.wire = Wire(port)
        again = "" if last is None else f"Last-Event-ID: {last}\r\n"
        self.wire.send(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{again}\r\n")
        status, fields = self.wire.head()
        assert status == 200 and fields["content-type"] == "text/event-stream", (status, fields)
        self.last = None
        self.text = b""

    def close(self):
        self.wire.close()

    def block(self):
        """The fields up to the next empty line; None at the end of the stream."""
        while b"\n\n" not in self.text:
            try:
                size = self.wire.reader.readline()
                if not size:
                    return None
                self.text += self.wire.reader.read(int(size, 16))
                self.wire.reader.read(2)
            except ConnectionError:
                return None
        block, _, self.text = self.text.partition(b"\n\n")
        fields = {}
        for line in block.decode().split("\n"):
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        if "id" in fields:
            self.last = int(fields["id"])
        return fields

    def next(self):
        """The next message, and that its id is its number."""
        while (fields := self.block()) is not None:
            if "data" in fields:
                message = json.loads(fields["data"])
                assert fields["event"] == "message" and message["number"] == self.last, fields
                return message
        return None


def request(line, *fields, body=b"", host="localhost"):
    if isinstance(body, str):
        body = body.encode()
    length = [f"Content-Length: {len(body)}"] if body else []
    head = "\r\n".join([f"{line} HTTP/1.1", f"Host: {host}", *fields, *length, "", ""])
    return head.encode("latin-1") + body


class HttpCase(Case):
    def wire(self, hub):
        wire = Wire(hub.port)
        self.addCleanup(wire.close)
        return wire

    def events(self, hub, target="/events", last=None):
        events = Events(hub.port, target, last)
        self.addCleanup(events.close)
        return events

    def ask(self, hub, line, *fields, body=b"", **more):
        wire = Wire(hub.port)
        wire.send(request(line, *fields, body=body, **more))
        answer = wire.answer(bare=line.startswith("HEAD "))
        wire.close()
        return answer

    def post(self, hub, text, room="lobby", name="lin", **more):
        query = urllib.parse.urlencode({"name": name, **more})
        answer = self.ask(hub, f"POST /rooms/{urllib.parse.quote(room)}?{query}", body=text)
        self.assertEqual(answer.status, 201, answer)
        return answer.lines[0]


class Talking(HttpCase):
    def test_what_is_posted_is_in_the_log_and_what_is_said_is_read(self):
        hub = self.hub()
        self.assertEqual(self.post(hub, "by HTTP 照片"),
                         {"seq": 1, "number": 1, "repeated": False})
        self.done("say", "by frames", "--name", "ada")
        guest = self.wire(hub)
        guest.send(request("POST /rooms/lobby", body="by a guest"))
        self.assertEqual(guest.answer().status, 201)
        log = [json.loads(line) for line in self.done("log", "--json").out.splitlines()]
        expected = [("lin", "by HTTP 照片"), ("ada", "by frames"), (guest.name, "by a guest")]
        self.assertEqual([(one["from"], one["text"]) for one in log], expected)
        read = self.ask(hub, "GET /rooms/lobby")
        self.assertEqual(read.fields["content-type"], "application/x-ndjson")
        self.assertEqual([(one["from"], one["text"]) for one in read.lines], expected)
        self.assertEqual([one["seq"] for one in read.lines], [1, 2, 3])
        self.assertEqual(self.ask(hub, "GET /rooms/lobby?after=1&limit=1").lines, [log[1]])
        rooms = self.ask(hub, "GET /rooms?name=lin").lines
        self.assertEqual([(one["room"], one["last_seq"]) for one in rooms], [("lobby", 3)])
        found = self.ask(hub, "GET /search?words=" + urllib.parse.quote("照片")).lines
        self.assertEqual([(one["room"], one["seq"]) for one in found], [("lobby", 1)])

    def test_the_standard_library_is_client_enough(self):
        hub = self.hub()
        client = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=PATIENCE_S)
        self.addCleanup(client.close)
        for text in ("one", "two"):  # on one connection
            client.request("POST", "/rooms/lobby?name=lin", json.dumps({"text": text}),
                           {"Content-Type": "application/json"})
            answer = client.getresponse()
            self.assertEqual((answer.status, answer.read()[-1:]), (201, b"\n"))
        client.request("GET", "/rooms/lobby")
        lines = client.getresponse().read().splitlines()
        self.assertEqual([json.loads(line)["text"] for line in lines], ["one", "two"])

    def test_direct_messages_are_for_the_two_alone(self):
        hub = self.hub()
        self.assertEqual(self.ask(hub, "GET /rooms?name=ada").status, 200)
        self.post(hub, "between us", room="@ada")
        self.assertIn("lin: between us", self.done("log", "@lin", "--name", "ada").out)
        self.assertEqual(self.ask(hub, "GET /rooms/@lin?name=ada").lines[0]["text"], "between us")
        self.assertEqual(self.ask(hub, "GET /rooms/@lin?name=eve").body, b"")
        self.assertEqual(self.ask(hub, "GET /rooms/@lin").status, 403)
        self.assertEqual(self.ask(hub, "POST /rooms/@lin", body="x").status, 403)
        self.assertEqual(self.ask(hub, "GET /search?words=between&name=eve").body, b"")

    def test_a_message_sent_again_after_a_kill_is_in_the_log_once(self):
        hub = self.hub(port=free_port())
        cid = "00112233445566778899aabbccddeeff"
        first = self.post(hub, "once", cid=cid)
        hub.kill()
        hub.start()
        self.assertEqual(self.post(hub, "again", cid=cid), {**first, "repeated": True})
        self.assertEqual([one["text"] for one in self.ask(hub, "GET /rooms/lobby").lines], ["once"])

    def test_html_and_escape_sequences_stay_text(self):
        hub = self.hub()
        events = self.events(hub)
        evil = "</script><b>\x1b[2J\u202e\r\n\ndata: {}\nid: 99\n\n\u2028\x00\"\\"
        self.post(hub, evil, name="eve")
        message = events.next()
        self.assertEqual((message["text"], message["room"]), (evil, "lobby"))
        self.post(hub, "next", name="eve")
        self.assertEqual(events.next()["number"], 2)
        read = self.ask(hub, "GET /rooms/lobby")
        self.assertEqual(read.lines[0]["text"], evil)
        for sign in (b"\x1b", b"\r", b"\x00"):
            self.assertNotIn(sign, read.body)
        self.assertEqual(read.fields["x-content-type-options"], "nosniff")
        error = self.ask(hub, "GET /%3Cb%3E%1B[2J")
        self.assertEqual(error.status, 404)
        self.assertTrue(error.fields["content-type"].startswith("text/plain"))
        self.assertNotIn(b"\x1b", error.body)

    def test_what_cannot_be_taken_is_told_why(self):
        hub = self.hub()
        json_type = "Content-Type: application/json"
        cases = [
            ("POST /rooms/lobby", (), b"", 400),
            ("POST /rooms/lobby", (), b"\xff\xfe", 400),
            ("POST /rooms/lobby", (), b"x" * 16385, 413),
            ("POST /rooms/lobby", (json_type,), b"{", 400),
            ("POST /rooms/lobby", (json_type,), b'{"text":"\xff"}', 400),
            ("POST /rooms/lobby", ("Content-Type: image/png",), b"x", 415),
            ("POST /rooms/nowhere", (), b"x", 404),
            ("POST /rooms/lobby?name=%00", (), b"x", 400),
            ("POST /rooms", (), b"x", 405),
            ("POST /events", (), b"x", 405),
            ("PUT /rooms/lobby", (), b"x", 405),
            ("GET /rooms/nowhere", (), b"", 404),
            ("GET /rooms/lobby?after=-1", (), b"", 400),
            ("GET /rooms/lobby?limit=1001", (), b"", 400),
            ("GET /rooms/a%2Fb", (), b"", 400),
            ("GET /rooms/%zz", (), b"", 400),
            ("GET /../etc/passwd", (), b"", 404),
            ("GET /events", ("Last-Event-ID: now",), b"", 400),
            ("GET /events", ("Last-Event-ID: -1",), b"", 400),
            (f"GET /events?last-event-id={LARGEST + 1}", (), b"", 400),
            ("GET /files/", (), b"", 404),
        ]
        for line, fields, body, status in cases:
            with self.subTest(line, body=body[:20]):
                answer = self.ask(hub, line, *fields, body=body)
                self.assertEqual(answer.status, status, answer)
                self.assertRegex(answer.body.decode(), r"\Askein: error: [^\n]+\n")
                if status == 405:
                    self.assertIn("GET, HEAD", answer.fields["allow"])
        self.assertEqual(self.ask(hub, "GET /rooms/lobby").body, b"")
        self.assert_serves(hub)

    def test_who_says_too_much_is_told_when_to_try_again(self):
        hub = self.hub()
        held = self.converse(hub, hello=False)
        held.hello(name="lin")
        self.assertEqual(held.code(op="who"), "ok")
        wire = self.wire(hub)
        for _ in range(200):
            wire.send(request("POST /rooms/lobby?name=lin", body="x"))
            answer = wire.answer()
            if answer.status != 201:
                break
        self.assertEqual((answer.status, answer.fields["retry-after"]), (429, "1"))


class Listening(HttpCase):
    def test_what_is_said_by_any_way_is_an_event(self):
        hub = self.hub()
        events = self.events(hub, "/events?name=ada")
        begun = events.block()
        self.assertEqual(begun, {"retry": "1000", "id": "0"})
        self.done("say", "by frames", "--name", "lin")
        self.post(hub, "by HTTP")
        self.post(hub, "between us", room="@ada")
        heard = [events.next() for _ in range(3)]
        self.assertEqual([(one["room"], one["from"], one["text"]) for one in heard],
                         [("lobby", "lin", "by frames"), ("lobby", "lin", "by HTTP"),
                          ("@lin", "lin", "between us")])
        self.assertEqual([one["number"] for one in heard], [1, 2, 3])
        self.assertIn("ada", self.done("who", "--name", "lin").out)

    def test_one_resumes_exactly_over_two_rooms_through_kills_of_the_hub(self):
        hub = self.hub("--sync", "full", port=free_port())
        with self.converse(hub, hello=False) as lin:
            lin.hello(name="lin")
            self.assertEqual(lin.code(op="join", room="holiday"), "ok")
        heard, last, said = [], 0, 0
        for batch in range(4):
            for _ in range(10):
                self.post(hub, str(said), room=("lobby", "holiday")[said % 2])
                said += 1
            # Some of them are heard at once, the others by the next one that calls.
            events = self.events(hub, "/events?name=lin", last)
            for _ in range(3 + batch):
                heard.append(events.next())
            last = heard[-1]["number"]
            events.close()
            hub.kill()
            hub.start()
        events = self.events(hub, "/events?name=lin&last-event-id=0", last)
        self.post(hub, "the end")
        while not heard or heard[-1]["text"] != "the end":
            heard.append(events.next())
        self.assertEqual([one["text"] for one in heard],
                         [str(number) for number in range(said)] + ["the end"])
        self.assertEqual([one["number"] for one in heard], list(range(1, said + 2)))
        self.assertEqual({one["room"] for one in heard}, {"lobby", "holiday"})

    def test_who_is_ahead_begins_with_what_there_is(self):
        hub = self.hub()
        self.post(hub, "one")
        events = self.events(hub, last=LARGEST)
        self.assertEqual(events.block()["id"], "1")
        self.post(hub, "two")
        self.assertEqual(events.next()["text"], "two")

    def test_a_stream_ends_with_the_hub_at_once(self):
        hub = self.hub()
        streams = [self.events(hub) for _ in range(3)]
        for events in streams:
            events.block()
        hub.process.terminate()
        for events in streams:
            self.assertIsNone(events.next())
        self.assertEqual(hub.process.wait(PATIENCE_S), 0)
        self.assertEqual(hub.complaints(), [])

    def test_a_stream_whose_client_left_leaves_nothing(self):
        hub = self.hub()
        for _ in range(20):
            events = Events(hub.port, "/events?name=lin")
            events.block()
            events.close()
        eventually(lambda: "lin" not in self.done("who", "--name", "ada").out, "lin never left")
        self.post(hub, "x", name="ada")
        eventually(lambda: self.connections(hub) == 0,
                   lambda: f"{self.connections(hub)} connections are left")
        self.assertEqual(hub.complaints(), [])

    @staticmethod
    def connections(hub):
        """How many a hub still has, as the system sees it."""
        here = f"0100007F:{hub.port:04X}"
        with open("/proc/net/tcp", encoding="ascii") as table:
            rows = [line.split() for line in table][1:]
        established, close_wait = "01", "08"
        return sum(row[1] == here and row[3] in (established, close_wait) for row in rows)

    def test_idle_streams_cost_little(self):
        self.count_memory()
        hub = self.hub()
        count = 100
        for _ in range(10):
            self.events(hub).block()
        before = hub.memory("VmData")
        for _ in range(count):
            self.events(hub).block()
        # Some 5 KiB. A buffer to receive into would be 256, of which little is used: so what is
        # asked for is counted.
        self.assertLess((hub.memory("VmData") - before) / count, 64 << 10, "bytes for each")


class Smuggling(HttpCase):
    """What two readers could take for two things, and what is meant to hold the hub up."""

    def test_what_is_no_request_is_refused_and_what_follows_it_is_not_read(self):
        hub = self.hub()
        host = "Host: localhost\r\n"
        post = f"POST /rooms/lobby HTTP/1.1\r\n{host}"
        cases = [
            ("Content-Length with Transfer-Encoding",
             f"{post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            ("chunked in HTTP/1.0",
             f"POST /rooms/lobby HTTP/1.0\r\n{host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
             400),
            ("two Content-Length", f"{post}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400),
            ("a list of Content-Length", f"{post}Content-Length: 1, 1\r\n\r\nx", 400),
            ("a signed Content-Length", f"{post}Content-Length: +1\r\n\r\nx", 400),
            ("a negative Content-Length", f"{post}Content-Length: -1\r\n\r\nx", 400),
            ("an unknown coding", f"{post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
            ("a bad chunk", f"{post}Transfer-Encoding: chunked\r\n\r\nx\r\n", 400),
            ("a chunk that lies", f"{post}Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", 400),
            ("bare line feeds", "GET / HTTP/1.1\nHost: localhost\n\n", 400),
            ("a folded line", f"GET / HTTP/1.1\r\n{host}A: b\r\n c\r\n\r\n", 400),
            ("two Host", f"GET / HTTP/1.1\r\n{host}Host: localhost\r\n\r\n", 400),
            ("no Host", "GET / HTTP/1.1\r\n\r\n", 400),
            ("a space before the colon", "GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", 400),
            ("a NUL", "GET / HTTP/1.1\r\nHost: local\0host\r\n\r\n", 400),
            ("another version", f"GET / HTTP/2.0\r\n{host}\r\n", 505),
            ("too long a target", f"GET /{'x' * 20000} HTTP/1.1\r\n{host}\r\n", 414),
            ("oversized fields", f"GET / HTTP/1.1\r\n{host}A: {'x' * 70000}\r\n\r\n", 431),
            ("too many fields", f"GET / HTTP/1.1\r\n{host}" + "A: b\r\n" * 5000,
             431),
        ]
        for name, data, status in cases:
            with self.subTest(name):
                wire = self.wire(hub)
                try:
                    wire.send(data.encode("latin-1") +
                              request("POST /rooms/lobby", body="smuggled"))
                except ConnectionError:
                    pass  # it was told before it had said all
                answer = wire.answer()
                self.assertEqual(answer.status, status, answer)
                self.assertEqual(answer.fields["connection"], "close")
                self.assertEqual(wire.rest(), b"")
                eventually(lambda w=wire: hub.complaints(f" {w.name}: "), hub.log)
        self.assertEqual(self.ask(hub, "GET /rooms/lobby").body, b"")
        self.assert_serves(hub)

    def test_no_other_website_asks(self):
        hub = self.hub()
        foreign = [
            ((), {"host": "evil.example"}),
            ((), {"host": "localhost.evil.example"}),
            ((), {"host": f"127.0.0.1.nip.io:{hub.port}"}),
            (("Origin: https://evil.example",), {}),
            (("Origin: null",), {}),
            (("Origin: http://localhost.evil.example",), {}),
            (("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"), {}),
            (("X-Forwarded-For: 192.0.2.1",), {}),
            (("Forwarded: for=192.0.2.1",), {}),
            (("Via: 1.1 proxy",), {}),
        ]
        for fields, more in foreign:
            for line, body in (("GET /rooms/lobby", b""), ("POST /rooms/lobby", b"x"),
                               ("GET /events", b""), ("OPTIONS /rooms/lobby", b""),
                               ("GET /nowhere", b"")):
                with self.subTest(line, fields=fields, **more):
                    answer = self.ask(hub, line, *fields, body=body, **more)
                    self.assertEqual(answer.status, 403, answer)
                    self.assertNotIn("access-control-allow-origin", answer.fields)
        self.assertEqual(self.ask(hub, "GET /rooms/lobby").body, b"")
        own = f"127.0.0.1:{hub.port}"
        answer = self.ask(hub, "POST /rooms/lobby", f"Origin: http://{own}",
                          "Sec-Fetch-Site: same-origin", body="mine", host=own)
        self.assertEqual(answer.status, 201, answer)

    def test_requests_may_come_at_once_or_byte_by_byte(self):
        hub = self.hub()
        count = 50
        wire = self.wire(hub)
        wire.send(b"".join(request("POST /rooms/lobby?name=lin", body=str(number))
                           for number in range(count)))
        for number in range(count):
            answer = wire.answer()
            self.assertEqual((answer.status, answer.lines[0]["seq"]), (201, number + 1))
        slow = self.wire(hub)
        slow.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request("POST /rooms/lobby", body="slow"):
            slow.send(bytes([byte]))
        self.assertEqual(slow.answer().status, 201)

    def test_a_client_that_stops_in_the_middle_harms_nobody(self):
        hub = self.hub()
        whole = request("POST /rooms/lobby?name=lin", body="whole")
        for cut in range(0, len(whole), 7):
            wire = Wire(hub.port)
            wire.send(whole[:cut])
            wire.close()
        waiting = [self.wire(hub) for _ in range(50)]
        for wire in waiting:
            wire.send(whole[:20])
        self.assertEqual(self.ask(hub, "GET /rooms/lobby").body, b"")
        self.assert_serves(hub)

    def test_a_huge_length_is_refused_before_its_body(self):
        hub = self.hub()
        wire = self.wire(hub)
        wire.send(request("POST /rooms/lobby", f"Content-Length: {LARGEST}"))
        answer = wire.answer()
        self.assertEqual((answer.status, answer.fields["connection"]), (413, "close"))
        self.assertEqual(wire.rest(), b"")

    def test_head_continue_and_an_old_client(self):
        hub = self.hub()
        wire = self.wire(hub)
        wire.send(request("HEAD /rooms/lobby"))
        self.assertEqual(wire.answer(bare=True).status, 200)
        wire.send(request("POST /rooms/lobby", "Expect: 100-continue", "Content-Length: 5"))
        self.assertEqual(wire.head()[0], 100)
        wire.send("hello")
        self.assertEqual(wire.answer().status, 201)
        wire.send(request("POST /rooms/lobby", "Expect: the worst", body="x"))
        self.assertEqual(wire.answer().status, 417)
        old = self.wire(hub)
        old.send("GET /rooms/lobby HTTP/1.0\r\n\r\n")
        answer = old.answer()
        self.assertEqual((answer.status, answer.lines[0]["text"]), (200, "hello"))
        self.assertEqual(old.rest(), b"")


class Curl(HttpCase):
    def curl(self, hub, *arguments):
        ran = subprocess.run([self.program, "-sS", *arguments[:-1],
                              f"http://127.0.0.1:{hub.port}{arguments[-1]}"],
                             capture_output=True, timeout=PATIENCE_S, check=False,
                             env=self.environment)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return ran.stdout.decode()

    def setUp(self):
        super().setUp()
        self.program = shutil.which("curl")
        self.assertIsNotNone(self.program, "curl is not installed: packages.txt lists it")

    def test_talks_reads_and_listens(self):
        hub = self.hub()
        listener = subprocess.Popen([self.program, "-sSN", f"http://127.0.0.1:{hub.port}/events"],
                                    stdout=subprocess.PIPE, env=self.environment)
        self.addCleanup(lambda: ended(listener))
        self.assertEqual(listener.stdout.readline(), b"retry: 1000\n")
        self.assertIn('"seq":1', self.curl(hub, "-d", "a+b%20c & d", "/rooms/lobby?name=lin"))
        self.assertIn('"seq":2', self.curl(hub, "--json", '{"text":"as JSON"}', "/rooms/lobby"))
        note = self.write("note.txt", "two\nlines\n".encode())
        self.assertIn('"seq":3', self.curl(hub, "--data-binary", f"@{note}", "/rooms/lobby"))
        texts = [json.loads(line)["text"]
                 for line in self.curl(hub, "/rooms/lobby").splitlines()]
        self.assertEqual(texts, ["a+b%20c & d", "as JSON", "two\nlines"])
        heard = []
        while len(heard) < 3:
            line = listener.stdout.readline().decode()
            if line.startswith("data: "):
                heard.append(json.loads(line[6:])["text"])
        self.assertEqual(heard, texts)
        self.assertIn("skein: error: no room 'nowhere'", self.curl(hub, "/rooms/nowhere"))

    def test_what_the_front_page_tells_can_be_done(self):
        hub = self.hub()
        commands = re.findall(r"^\w+ +(curl .*)$", self.curl(hub, "/"), re.MULTILINE)
        self.assertEqual(len(commands), 4)
        for command in commands:
            with self.subTest(command):
                if " -N " in command:
                    continue  # it would never end
                ran = subprocess.run(command, shell=True, capture_output=True, check=False,
                                     timeout=PATIENCE_S, env=self.environment)
                self.assertEqual(ran.returncode, 0, ran.stderr)
                self.assertNotIn(b"error", ran.stdout)
        self.assertIn("hello", self.done("log").out)


if __name__ == "__main__":
    unittest.main()
