#!/usr/bin/python3
"""The check of the stack can fail: each rule once kept and once broken."""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import check_layers  # noqa: E402


def faults(path, *includes):
    return check_layers.faults(path, "".join(f"#include {name}\n" for name in includes))


class Stack(unittest.TestCase):
    def test_a_lower_line_and_the_own_folder_are_allowed(self):
        self.assertEqual(faults("src/wire/frame.cc", '"wire/frame.h"', '"base/text.h"'), [])
        self.assertEqual(faults("src/cli/put.cc", '"client/hub.h"', '"hub/hub.h"'), [])
        self.assertEqual(faults("include/socketserver/a.h", '"socketserver/b.h"'), [])
        self.assertEqual(faults("examples/upper.cc", '"socketserver/b.h"', '"hub/hub.h"'), [])

    def test_a_higher_line_is_refused(self):
        found = faults("src/base/text.cc", "<string>", '"wire/frame.h"')
        self.assertEqual(
            found,
            ['src/base/text.cc:2: may not include "wire/frame.h": wire is above base'],
        )

    def test_the_same_line_is_refused(self):
        (found,) = faults("src/wire/frame.cc", '"socketserver/loop.h"')
        self.assertIn("socketserver is on the same line as wire", found)

    def test_every_pair_of_folders(self):
        for line, folders in enumerate(check_layers.STACK):
            for mine in folders:
                for other_line, others in enumerate(check_layers.STACK):
                    for other in others:
                        found = faults(f"src/{mine}/x.cc", f'"{other}/x.h"')
                        allowed = other == mine or other_line < line
                        self.assertEqual(found == [], allowed, f"{mine} includes {other}")

    def test_spaces_and_indentation_do_not_hide_an_include(self):
        found = check_layers.faults("src/base/x.h", '\n  #  include  "hub/hub.h"  // why\n')
        self.assertEqual(len(found), 1)
        self.assertTrue(found[0].startswith("src/base/x.h:2: "))

    def test_own_headers_by_folder_and_in_quotes(self):
        self.assertEqual(len(faults("src/base/x.cc", '"x.h"')), 1)
        self.assertEqual(len(faults("src/base/x.cc", '"../base/x.h"')), 1)
        self.assertEqual(len(faults("src/hub/x.cc", "<base/x.h>")), 1)
        self.assertEqual(len(faults("src/hub/x.cc", '"nowhere/x.h"')), 1)

    def test_programs_outside_include_the_librarys_public_headers_as_any_other(self):
        def found(path, name):
            return check_layers.faults(path, f"#include <{name}>\n", {"socketserver/server.h"})
        self.assertEqual(found("examples/upper.cc", "socketserver/server.h"), [])
        self.assertEqual(len(found("examples/upper.cc", "socketserver/loop.h")), 1)
        self.assertEqual(len(found("src/hub/hub.cc", "socketserver/server.h")), 1)

    def test_programs_outside_share_what_stands_beside_them(self):
        self.assertEqual(faults("examples/upper.cc", '"command_line.h"'), [])
        self.assertEqual(len(faults("examples/upper.cc", '"nowhere/command_line.h"')), 1)

    def test_a_folder_outside_the_stack_is_refused(self):
        self.assertEqual(len(faults("src/misc/x.cc")), 1)
        self.assertEqual(len(faults("src/x.cc")), 1)

    def test_nothing_includes_what_stands_above(self):
        self.assertEqual(len(faults("src/cli/x.cc", '"examples/x.h"')), 1)


class Libraries(unittest.TestCase):
    def test_json(self):
        self.assertEqual(faults("src/wire/dictionary.cc", "<boost/json.hpp>"), [])
        self.assertEqual(len(faults("src/hub/session.cc", "<boost/json.hpp>")), 1)
        self.assertEqual(len(faults("src/hub/session.cc", "<boost/json/value.hpp>")), 1)

    def test_http(self):
        self.assertEqual(faults("src/http/decoder.cc", "<boost/beast/http/basic_parser.hpp>"), [])
        self.assertEqual(len(faults("src/http/gate.cc", "<boost/beast/http/rfc7230.hpp>")), 1)
        self.assertEqual(len(faults("src/http/decoder.h", "<boost/beast.hpp>")), 1)
        self.assertEqual(len(faults("src/hub/session.cc", "<boost/beast.hpp>")), 1)

    def test_the_rest_of_boost(self):
        self.assertEqual(len(faults("src/wire/frame.cc", "<boost/asio.hpp>")), 1)

    def test_log(self):
        self.assertEqual(faults("src/base/log.cc", "<spdlog/logger.h>"), [])
        self.assertEqual(len(faults("src/base/log.h", "<spdlog/logger.h>")), 1)
        self.assertEqual(len(faults("src/hub/hub.cc", "<fmt/format.h>")), 1)

    def test_digests(self):
        self.assertEqual(faults("src/store/digest.cc", "<xxhash.h>"), [])
        self.assertEqual(len(faults("src/client/put.cc", "<xxhash.h>")), 1)

    def test_tests(self):
        self.assertEqual(faults("src/base/text_test.cc", "<gtest/gtest.h>", "<gmock/gmock.h>"), [])
        self.assertEqual(len(faults("src/base/text.cc", "<gtest/gtest.h>")), 1)
        self.assertEqual(len(faults("src/base/latest.h", "<gtest/gtest.h>")), 1)

    def test_what_tests_share(self):
        self.assertEqual(faults("src/hub/test_hub.h", "<gtest/gtest.h>"), [])
        self.assertEqual(faults("src/hub/a_test.cc", '"hub/test_hub.h"'), [])
        self.assertEqual(len(faults("src/hub/a.cc", '"hub/test_hub.h"')), 1)

    def test_the_library_brings_no_log(self):
        self.assertEqual(faults("src/socketserver/loop.cc", '"base/error.h"'), [])
        self.assertEqual(len(faults("src/socketserver/loop.cc", '"base/log.h"')), 1)
        self.assertEqual(len(faults("include/socketserver/a.h", '"base/log.h"')), 1)
        self.assertEqual(faults("src/hub/hub.cc", '"base/log.h"'), [])


class Pure(unittest.TestCase):
    def test_no_io_where_there_is_none(self):
        for header in ("<sys/socket.h>", "<unistd.h>", "<fcntl.h>", "<fstream>", "<netinet/in.h>"):
            for folder in ("wire", "http", "transfer"):
                self.assertEqual(len(faults(f"src/{folder}/x.cc", header)), 1, header)
            self.assertEqual(faults("src/store/x.cc", header), [])
            self.assertEqual(faults("src/wire/x_test.cc", header), [])
        self.assertEqual(faults("src/wire/x.cc", "<cstdint>"), [])


class WholeTree(unittest.TestCase):
    def run_on(self, files):
        with tempfile.TemporaryDirectory() as name:
            root = pathlib.Path(name)
            for path, text in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text, encoding="utf-8")
            with contextlib.redirect_stdout(io.StringIO()) as out:
                code = check_layers.main(root)
            return code, out.getvalue()

    def test_exit(self):
        good = {"src/wire/a.h": '#include "base/text.h"\n'}
        self.assertEqual(self.run_on(good)[0], 0)
        code, out = self.run_on(good | {"src/base/b.cc": '#include "wire/a.h"\n'})
        self.assertEqual(code, 1)
        self.assertIn("src/base/b.cc:1:", out)

    def test_an_empty_tree_is_no_success(self):
        self.assertEqual(self.run_on({})[0], 1)


if __name__ == "__main__":
    unittest.main()
