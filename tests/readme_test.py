#!/usr/bin/python3
"""README.md and README.zh-CN.md say the same: the same sections, commands, tables and links."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = re.compile(r"\]\(([^)]+)\)")
CODE = re.compile(r"`([^`]+)`")
COMMAND = re.compile(r"(?:skein [a-z]+|\./dev [a-z]+)[^#]*")
OWN = {"README.md", "README.zh-CN.md"}  # each links to the other


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def commands(text):
    """Those in the blocks that are set in, without what is said about them."""
    lines = [line.split("#")[0] for line in text.splitlines() if line.startswith("    ")]
    return [COMMAND.search(line)[0].strip() for line in lines if COMMAND.search(line)]


class Readme(unittest.TestCase):
    def setUp(self):
        self.english, self.chinese = text_of("README.md"), text_of("README.zh-CN.md")

    def same(self, found):
        first = found(self.english)
        self.assertTrue(first)
        self.assertEqual(first, found(self.chinese))

    def test_commands(self):
        self.same(commands)

    def test_links(self):
        self.same(lambda text: [link for link in LINK.findall(text) if link not in OWN])

    def test_words_of_code(self):
        self.same(CODE.findall)

    def test_sections_promises_and_rows(self):
        self.same(lambda text: [line.split()[0] for line in text.splitlines()
                                if re.match(r"#|\d\.|\|", line)])

    def test_what_is_linked_is_there(self):
        for text in (self.english, self.chinese):
            for link in LINK.findall(text):
                self.assertTrue((ROOT / link).exists(), link)


if __name__ == "__main__":
    unittest.main()
