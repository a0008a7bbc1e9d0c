"""Part 2, exceptions: an error's type, message and place; raise, custom, assert, one boundary."""

import re

from support import example, expect, lessons

PROGRAM = example("tutorial_errors")
SOURCE = "examples/tutorial/2_exceptions/tutorial_errors.cc"


def check(claims, _):
    lesson = {}
    with claims.claim("the lesson runs to its end"):
        lesson = lessons([PROGRAM])

    def has(heading, *patterns):
        for pattern in patterns:
            expect(re.search(pattern, lesson.get(heading, ""), re.MULTILINE),
                   f"under '{heading}' there is no {pattern!r}")

    with claims.claim("an error is printed with its kind, message, place and chain"):
        has("type, message, place", r"^ +type +not_found$",
            r"^ +message +opening 'no/such/movie\.mp4': no such file or directory$",
            rf"^ +place +{SOURCE}:\d+$", r"^ +while +uploading ",
            rf"^ +log .*\[not_found at {SOURCE}:\d+ in .*open_movie.*\]$")
    with claims.claim("one kind is handled where it can be, every other is passed on"):
        has("catch as little as possible", r"^ +2 +b\.mp4$",
            r"^ +7 +handled here.*not in range: 7$", r"^ +x +.*passed on: must be a number, not 'x'$")
    with claims.claim("raise: as a value and as an exception, both with the place"):
        has("raise", rf"^ +returned .*\[refused at {SOURCE}:\d+", rf"^ +thrown .*\[refused at {SOURCE}:")
    with claims.claim("a custom kind in one line, told from all others"):
        has("custom", r"^ +type +out_of_popcorn$", r"it is kOutOfPopcorn")
    with claims.claim("an assert that does not hold ends the process by SIGABRT, and says where"):
        has("assert", r"tutorial_errors\.cc:\d+: .*list\.empty\(\)", r"ended by ABRT")
    with claims.claim("what a handler throws ends at its connection's one boundary, and the server "
                      "serves the next client"):
        boundary = "one boundary for each connection"
        has(boundary, r"told +internal: uncaught std::out_of_range: the handler's own mistake",
            r"told +out_of_popcorn: none left", r"^ +hello +well served$",
            r"3 clients, 2 handlers that threw")
