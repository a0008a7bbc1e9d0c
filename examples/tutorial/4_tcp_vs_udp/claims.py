"""Part 4, TCP against UDP: what tells them apart, in C++ and in Python; measured by skein doctor."""

import json
import pathlib

from support import Hub, example, expect, lessons, python, skein

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = example("tutorial_tcp_vs_udp")

DIFFERENCES = [
    ("a connection, or none: TCP is refused where nobody listens, UDP does not notice",
     "a connection, or none", "is refused before a byte is sent", "sends, and hears nothing"),
    ("a stream, or datagrams: three sends are one piece, or three",
     "a stream, or datagrams", "[hellohellohello]", "[hello][hello][hello]"),
    ("all of it in order, or what there was room for",
     "all of it in order, or what there was room for", "all 5000, in order",
     "fewer than 5000, and no error"),
    ("resources: TCP has a socket for each client, UDP one for all",
     "what 50 clients cost the server", "50 sockets more", "0 sockets more"),
]


def differences(claims):
    for language, command in (("C++", [PROGRAM]), ("Python", python(HERE / "tcp_vs_udp.py"))):
        lesson = {}
        with claims.claim(f"the lesson in {language} runs to its end"):
            lesson = lessons(command)
        for text, heading, tcp, udp in DIFFERENCES:
            with claims.claim(f"{language}: {text}"):
                there = lesson.get(heading, "").split("\n")[:2]
                expect(there == [f"  tcp  {tcp}", f"  udp  {udp}"], f"there stands {there}")


def measured(claims, folder):
    with Hub(folder / "hub") as hub:
        with claims.claim("skein doctor: both on the same path, side by side in a table"):
            code, said = skein("doctor", hub.address)
            print(said, flush=True)
            expect(code == 0, said)
            for what in ("reachable             yes             yes", "round trip, half", "jitter",
                         "lost", "came twice", "out of order", "largest in one piece", "advice  "):
                expect(what in said, f"it does not say {what!r}")
        with claims.claim("skein doctor --json: the same for programs"):
            code, said = skein("doctor", "--json", hub.address)
            report = json.loads(said)
            expect((code, report["tcp"], report["udp"]) == (0, "yes", "yes"), said)
            for side in ("tcp", "udp"):
                for what in ("round_trip_p50_us", "up_bytes_per_s", "down_bytes_per_s"):
                    expect(report[f"{side}_{what}"] > 0, f"{side}_{what}")
    with claims.claim("skein doctor where nobody listens: says so, what to do, and ends with 5"):
        code, said = skein("doctor", hub.address)
        expect(code == 5 and "refused" in said and "start a hub" in said, said)


def check(claims, folder):
    differences(claims)
    measured(claims, folder)
