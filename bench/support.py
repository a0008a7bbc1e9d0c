"""What measurements share: sides that take turns, medians, a table, and the raw runs kept."""

import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

BUILD = pathlib.Path(__file__).resolve().parent.parent / "build"
SKEIN = pathlib.Path(os.environ.get("SKEIN") or BUILD / "release/skein").resolve()
PEERS = SKEIN.parent / "bench"


def machine():
    """One line about what the numbers were measured on."""
    model = next((line.split(":", 1)[1].strip()
                  for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} × {model}, Linux {platform.release()}"


def run(*command):
    """Runs a command that must succeed; its output."""
    done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command}: exit {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode()


def interleaved(sides, rounds):
    """{name: seconds of each round}; `sides`: name to (prepare, timed).

    The sides take turns, so that what else the machine does falls on all of them alike; the
    order turns round with each round. One round before is not counted.
    """
    seconds = {name: [] for name in sides}
    for number in range(rounds + 1):
        names = list(sides) if number % 2 == 0 else list(reversed(sides))
        for name in names:
            prepare, timed = sides[name]
            prepare()
            started = time.monotonic()
            timed()
            if number > 0:
                seconds[name].append(time.monotonic() - started)
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return seconds


def print_table(title, seconds, yardstick):
    """A row per side: median, range, and the median ratio to the yardstick of the same round."""
    print(f"\n{title}")
    print(f"| {'':28} | median s | least to most | times the yardstick |")
    print("|---|---|---|---|")
    for name, runs in seconds.items():
        ratio = statistics.median(mine / theirs
                                  for mine, theirs in zip(runs, seconds[yardstick], strict=True))
        shown = "yardstick" if name == yardstick else f"{ratio:.2f}"
        print(f"| {name:28} | {statistics.median(runs):8.3f} | "
              f"{min(runs):.3f} to {max(runs):.3f} | {shown} |")


def keep(name, tables):
    """Writes the raw runs to build/bench and says where."""
    folder = BUILD / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.datetime.now(datetime.timezone.utc)
    path = folder / f"{name}-{now:%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps({"machine": machine(), "date": now.isoformat(),
                                "command": " ".join(["./dev", "bench", *sys.argv[1:]]),
                                "seconds": tables}, indent=1))
    print(f"\nraw runs: {path}")
