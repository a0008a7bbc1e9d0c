"""A program at a pseudo-terminal whose screen is reckoned here: what a person would see, not only
what was written."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import unicodedata

from support import ended, eventually

ROWS, COLUMNS = 24, 80


class Screen:
    """As much of an xterm as the editor of a line uses."""

    def __init__(self, rows=ROWS, columns=COLUMNS):
        self.rows, self.columns = rows, columns
        self.cells = [[" "] * columns for _ in range(rows)]
        self.above = []  # what has scrolled out
        self.row = self.column = 0
        self.rest = b""
        self.inserting = False

    def feed(self, data):
        data = self.rest + data
        text = data.decode("utf-8", "ignore")
        whole = len(text.encode())
        self.rest = data[whole:] if len(data) - whole < 4 else b""
        tail = re.search(r"\x1b(\[[\d;?]*)?\Z", text)
        if tail:
            self.rest = text[tail.start():].encode() + self.rest
            text = text[:tail.start()]
        pattern = r"\x1b\[([\d;?]*)([A-Za-z@])|\x1b[()].|\x1b.|([^\x1b])"
        for match in re.finditer(pattern, text, re.DOTALL):
            if match[3]:
                self.put(match[3])
            elif match[2]:
                self.control(match[1], match[2])

    def line_feed(self):
        self.row += 1
        if self.row == self.rows:
            self.above.append(self.cells.pop(0))
            self.cells.append([" "] * self.columns)
            self.row -= 1

    def put(self, c):
        if c == "\n":
            return self.line_feed()
        if c == "\r":
            self.column = 0
            return None
        if c == "\b":
            self.column = max(0, min(self.column, self.columns - 1) - 1)
            return None
        if c == "\a":
            return None
        if unicodedata.combining(c):
            return None
        width = 2 if unicodedata.east_asian_width(c) in "WF" else 1
        if self.column + width > self.columns:
            self.column = 0
            self.line_feed()
        row = self.cells[self.row]
        cells = [c] + [""] * (width - 1)
        if self.inserting:
            row[self.column:self.column] = cells
            del row[self.columns:]
        else:
            row[self.column:self.column + width] = cells
        self.column += width
        return None

    def control(self, arguments, what):
        first = arguments.split(";")[0].lstrip("?")
        count = max(1, int(first or 1)) if first.isdigit() or not first else 1
        row = self.cells[self.row]
        here = min(self.column, self.columns - 1)
        if what == "A":
            self.row = max(0, self.row - count)
        elif what == "B":
            self.row = min(self.rows - 1, self.row + count)
        elif what == "C":
            self.column = min(self.columns - 1, self.column + count)
        elif what == "D":
            self.column = max(0, here - count)
        elif what == "G":
            self.column = count - 1
        elif what == "K":
            row[here:] = [" "] * (self.columns - here)
        elif what == "J":
            row[here:] = [" "] * (self.columns - here)
            for below in range(self.row + 1, self.rows):
                self.cells[below] = [" "] * self.columns
        elif what == "P":
            del row[here:here + count]
            row += [" "] * (self.columns - len(row))
        elif what == "@":
            row[here:here] = [" "] * count
            del row[self.columns:]
        elif what in "hl" and arguments == "4":
            self.inserting = what == "h"
        elif what not in "mhl":
            raise AssertionError(f"the screen does not know \\e[{arguments}{what}")

    @property
    def lines(self):
        """Every line there was, those that scrolled out too, without empty ones at the end."""
        lines = ["".join(row).rstrip() for row in self.above + self.cells]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    @property
    def edited(self):
        """The line with the cursor, up to its end."""
        return "".join(self.cells[self.row]).rstrip()


class Person:
    """Somebody at a terminal in which a program runs."""

    def __init__(self, case, command, folder, columns=COLUMNS, stderr=None, **environment):
        self.master, self.slave = pty.openpty()
        case.addCleanup(os.close, self.master)
        case.addCleanup(os.close, self.slave)
        self.resize(columns)
        self.screen = Screen(columns=columns)
        self.bytes = b""
        self.before = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(
            command, stdin=self.slave, stdout=self.slave, stderr=stderr or self.slave, cwd=folder,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env={**case.environment, "TERM": "xterm", **environment})
        case.addCleanup(lambda: ended(self.process))

    def resize(self, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))

    def look(self):
        while select.select([self.master], [], [], 0)[0]:
            data = os.read(self.master, 65536)
            self.bytes += data
            self.screen.feed(data)
        return self.screen

    def type(self, text):
        os.write(self.master, text.encode())

    def see(self, what):
        """Waits until the condition on the screen holds, or the text is a line's end there."""
        def there():
            screen = self.look()
            if callable(what):
                return what(screen)
            return any(line.endswith(what) for line in screen.lines)
        return eventually(there, lambda: f"never seen: {what}\n" + "\n".join(self.screen.lines))

    def at_prompt(self, text="lobby>"):
        self.see(lambda screen: screen.edited == text)

    def times(self, text):
        """How many lines end with the text."""
        return sum(line.endswith(text) for line in self.look().lines)

    def end(self):
        """Waits for the program's end, looking on; its exit code."""
        eventually(lambda: (self.look(), self.process.poll())[1] is not None,
                   lambda: "does not end\n" + "\n".join(self.screen.lines))
        self.look()
        return self.process.returncode
