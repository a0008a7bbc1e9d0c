"""The library alone: its folders copied away, built, installed, and used by a project outside,
through CMake and through pkg-config, in C++20."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ["include/socketserver", "src/socketserver", "src/base"]
COMPILERS = os.environ.get("COMPILERS", "g++").split()  # ./dev check gives the other

PROGRAM = """
#include <socketserver/socketserver.h>

#include <array>
#include <cctype>
#include <iostream>

struct Upper : socketserver::StreamRequestHandler {
  void handle() override {
    while (auto line = rfile.read_line()) {
      for (char& c : *line) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      wfile.write(*line);
    }
  }
};

struct AsyncUpper : socketserver::AsyncStreamRequestHandler {
  socketserver::Task<void> handle() override {
    while (auto chunk = co_await request.read_some()) {
      for (char& c : chunk) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      co_await request.write_all(chunk);
    }
  }
};

int main(int count, char**) {
  if (count > 1) {
    socketserver::AsyncTCPServer server({"127.0.0.1", 0}, socketserver::handler<AsyncUpper>);
    std::cout << server.server_address().port() << std::endl;
    server.serve_forever();
  } else {
    socketserver::TCPServer server({"127.0.0.1", 0}, socketserver::handler<Upper>);
    std::cout << server.server_address().port() << std::endl;
    server.handle_request();
  }
}
"""

CMAKE = """
cmake_minimum_required(VERSION 3.25)
project(outside CXX)
find_package(socketserver 0.1 REQUIRED)
add_executable(upper upper.cc)
set_target_properties(upper PROPERTIES CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
target_compile_options(upper PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
target_link_libraries(upper PRIVATE socketserver::socketserver)
"""


def run(*command, **more):
    done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **more)
    if done.returncode != 0:
        raise AssertionError(f"{command}: exit {done.returncode}\n{done.stdout[-4000:]}")
    return done.stdout


class Library(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="skein-library-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for name in FOLDERS:
            shutil.copytree(ROOT / name, self.folder / "copy" / name)
        self.outside = self.folder / "outside"
        self.outside.mkdir()
        (self.outside / "upper.cc").write_text(PROGRAM)
        (self.outside / "CMakeLists.txt").write_text(CMAKE)

    def install(self, compiler):
        build, prefix = self.folder / f"build-{compiler}", self.folder / f"prefix-{compiler}"
        launcher = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
        run("cmake", "-G", "Ninja", "-S", self.folder / "copy/src/socketserver", "-B", build,
            f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_INSTALL_PREFIX={prefix}", *launcher)
        run("cmake", "--build", build)
        run("cmake", "--install", build)
        return prefix

    def assert_answers(self, *command):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                port = int(server.stdout.readline())
                client = run("/usr/bin/python3", "-c",
                             "import socket, sys\n"
                             "c = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 30)\n"
                             "c.sendall(b'hello, outside\\n'); c.shutdown(socket.SHUT_WR)\n"
                             "print(c.makefile().read(), end='')", port)
                self.assertEqual(client, "HELLO, OUTSIDE\n")
            finally:
                server.kill()

    def test_is_found_by_cmake_and_by_pkg_config(self):
        for compiler in COMPILERS:
            with self.subTest(compiler):
                prefix = self.install(compiler)
                by_cmake = self.folder / f"outside-{compiler}"
                run("cmake", "-G", "Ninja", "-S", self.outside, "-B", by_cmake,
                    f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_PREFIX_PATH={prefix}")
                run("cmake", "--build", by_cmake)
                self.assert_answers(by_cmake / "upper")
                self.assert_answers(by_cmake / "upper", "event-driven")

                (file,) = prefix.rglob("socketserver.pc")
                flags = run("pkg-config", "--cflags", "--libs", "socketserver",
                            env={**os.environ, "PKG_CONFIG_PATH": str(file.parent)}).split()
                by_hand = self.folder / f"by-hand-{compiler}"
                run(compiler, "-std=c++20", self.outside / "upper.cc", "-o", by_hand, *flags)
                self.assert_answers(by_hand)

    def test_headers_are_complete_in_themselves_in_cxx20(self):
        for header in sorted((ROOT / "include/socketserver").glob("*.h")):
            with self.subTest(header.name):
                run("g++", "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow",
                    "-Wconversion", "-Werror", "-fsyntax-only", f"-I{ROOT / 'include'}",
                    "-include", header, "-x", "c++", "/dev/null")
                text = header.read_text()
                self.assertNotIn("skein", text)
                self.assertNotIn('#include "base/', text)


if __name__ == "__main__":
    unittest.main()
