#!/usr/bin/python3
"""Holds the stack of folders: a file includes only from lower lines or from its own folder.

usage: check_layers.py [ROOT]

The table below is the one place where the stack stands for machines; ARCHITECTURE.md gives its
reasons. exit: 0 it holds  1 it does not
"""

import pathlib
import re
import sys

# Lowest line first. Folders on one line never see each other.
STACK = [
    ["base"],
    ["socketserver", "wire", "http"],
    ["auth", "store"],
    ["chat", "transfer"],
    ["client"],
    ["hub"],
    ["cli"],
]

# Above the stack: they may include all of it, and nothing includes them.
ABOVE = ["examples", "bench", "fuzz", "tests"]

# Tests, and what several of them share.
TESTS = r".*(_test\.cc|/test_\w+\.h)"

# A library stands behind few files: (what is included, which of our files may, why).
LIBRARIES = [
    (r"boost/json(\.hpp|_fwd\.hpp|/.*)", r"src/wire/.*", "JSON is read and written in src/wire"),
    (r"boost/beast(\.hpp|/.*)", r"src/http/decoder\.cc", "HTTP is parsed in http/decoder.cc"),
    (r"boost/asio(\.hpp|/.*)", r"bench/peers/.*", "Asio is only measured against"),
    (r"boost/.*", r"", "only Boost.JSON and Beast are in use"),
    (r"(spdlog|fmt)/.*", r"src/base/log\.cc", "the log stands behind base/log.h"),
    (r"xxh(ash|3)\.h", r"(src/store|bench/peers)/.*", "digests are made in src/store"),
    (r"sqlite3(ext)?\.h", r"src/chat/.*", "the room log is kept in src/chat"),
    (r"unicode/.*", r"src/chat/names\.cc", "ICU stands behind chat/names.h"),
    (r"histedit\.h", r"src/cli/prompt\.cc", "libedit stands behind cli/prompt.h"),
    (r"(gtest|gmock)/.*", TESTS, "tests stand in *_test.cc and test_*.h"),
    (r"\w+/test_\w+\.h", TESTS, "what helps tests is for tests alone"),
]

# Folders that do no I/O, their tests apart, and what would be the sign of it.
PURE = ["wire", "http", "transfer"]
IO_HEADERS = re.compile(
    r"sys/(socket|epoll|eventfd|stat|statvfs|uio|mman|un|file|sendfile|types)\.h"
    r"|netinet/.*|arpa/.*|netdb\.h|unistd\.h|fcntl\.h|dirent\.h|poll\.h|fstream|filesystem"
)

# The library builds with base alone and brings no log.
FORBIDDEN = [(r"(src|include)/socketserver/.*", "base/log.h", "the library brings no log")]

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)
LINE = {folder: line for line, folders in enumerate(STACK) for folder in folders}


def folder_of(path):
    """The folder of the stack that a file ("src/wire/frame.h") belongs to, or None above it."""
    parts = path.split("/")
    return parts[1] if parts[0] in ("src", "include") and len(parts) > 2 else None


def faults(path, text, public=frozenset()):
    """What is wrong with the includes of one file, as lines "path:line: what". `public`: the
    library's headers, which programs above the stack include as any other library's."""
    found = []
    mine = folder_of(path)
    is_test = re.fullmatch(TESTS, path)
    if mine is None and path.split("/")[0] not in ABOVE:
        return [f"{path}:1: in no folder of the stack"]
    if mine is not None and mine not in LINE:
        return [f"{path}:1: src/{mine} is not in the stack: give it a line in check_layers.py"]

    for match in INCLUDE.finditer(text):
        ours, name = match[1] == '"', match[2]
        where = f"{path}:{text.count(chr(10), 0, match.start()) + 1}"

        for library, allowed, why in LIBRARIES:
            if re.fullmatch(library, name):
                if not re.fullmatch(allowed, path):
                    found.append(f"{where}: may not include {name}: {why}")
                break
        if mine in PURE and not is_test and IO_HEADERS.fullmatch(name):
            found.append(f"{where}: may not include {name}: src/{mine} does no I/O")
        for who, what, why in FORBIDDEN:
            if name == what and re.fullmatch(who, path):
                found.append(f"{where}: may not include {name}: {why}")

        theirs = name.split("/")[0]
        if not ours:
            if theirs in LINE and "/" in name and not (mine is None and name in public):
                found.append(f'{where}: our own headers are included as "{name}"')
            continue
        if mine is None:
            beside = "/" not in name  # what programs of one folder share
            if not beside and theirs not in LINE and theirs not in ABOVE:
                found.append(f'{where}: "{name}" is in no folder of the stack')
        elif theirs not in LINE or "/" not in name:
            found.append(f'{where}: "{name}" is not named from src/ or include/')
        elif theirs != mine and LINE[theirs] >= LINE[mine]:
            how = "on the same line as" if LINE[theirs] == LINE[mine] else "above"
            found.append(f'{where}: may not include "{name}": {theirs} is {how} {mine}')
    return found


def files_of(root):
    for top in ["src", "include", *ABOVE]:
        for path in sorted((root / top).rglob("*")):
            if path.suffix in (".h", ".cc") and path.is_file():
                yield path


def main(root):
    files = list(files_of(root))
    public = frozenset(path.relative_to(root / "include").as_posix()
                       for path in (root / "include").rglob("*.h"))
    found = []
    for path in files:
        found += faults(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"),
                        public)
    for line in found:
        print(line)
    if not files:
        print(f"no sources under {root}")
    else:
        print(f"{len(files)} files, {len(found)} faults")
    return 0 if files and not found else 1


if __name__ == "__main__":
    here = pathlib.Path(__file__).resolve().parent.parent
    sys.exit(main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here))
