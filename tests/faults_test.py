"""Crashes, cut links, damage on the way and sources that change: never falsely done, and the same
command again goes on where it stopped."""

import os
import signal
import unittest

from support import (DOWN, MIB, PATIENCE_S, UP, Case, Fault, claims_in, eventually, free_port,
                     interrupt, noise, partials_in, ran, trash_of)

SIZE = 12 * MIB
PASSED = 5  # whole blocks that get through before a relay of these tests stalls
STALL_AFTER = PASSED * MIB + MIB // 2
SLACK = MIB // 8  # what dictionaries take


class Transfers(Case):
    """A put or get of one large file whose connection stalls half way."""

    def setUp(self):
        super().setUp()
        self.content = noise(SIZE)
        self.the_hub = self.hub(port=free_port())
        self.into = self.here / "into"

    def begin(self, way, *more, fault="stall"):
        """Starts it and waits until five blocks of twelve were received and claimed."""
        relay = self.relay(self.the_hub, Fault(fault, way, STALL_AFTER))
        process = self.start(*self.command(way), "--json", *more)
        relay.wait_stalled()
        eventually(lambda: claims_in(self.receiver(way)) >= PASSED,
                   lambda: f"claimed {claims_in(self.receiver(way))} blocks; {self.the_hub.log()}")
        self.assertEqual(self.final(way).exists(), False)
        return relay, process

    def command(self, way):
        if way == UP:
            self.write("big", self.content)
            return ("put", "big")
        self.write("big", self.content, folder=self.the_hub.shared)
        return ("get", "big", "--into", "into")

    def receiver(self, way):
        return self.the_hub.shared if way == UP else self.into

    def final(self, way):
        return self.receiver(way) / "big"

    def assert_whole(self, way):
        self.assertEqual(self.final(way).read_bytes(), self.content)
        self.assertEqual(partials_in(self.receiver(way)), [])
        self.assertEqual(trash_of(self.receiver(way)), [])

    def test_hub_killed_and_back_while_the_client_waits(self):
        for way in (UP, DOWN):
            with self.subTest(way):
                relay, process = self.begin(way)
                self.the_hub.kill()
                self.the_hub.start()
                relay.cut()
                relay.released.set()
                end = ran(process)
                self.assertEqual((end.code, end.err), (0, ""))
                self.assertTrue(end.last_json["done"])
                self.assert_whole(way)
                # Half a block came before the cut, and comes again.
                self.assertLess(relay.passed[way], SIZE + MIB // 2 + SLACK)

    def test_hub_killed_and_the_same_command_again(self):
        for way in (UP, DOWN):
            with self.subTest(way):
                relay, process = self.begin(way, "--retry-for", "0")
                self.the_hub.kill()
                relay.cut()
                relay.released.set()
                end = ran(process)
                self.assertEqual((end.code, end.last_json["done"]), (3, False))
                self.assertFalse(self.final(way).exists())
                self.the_hub.start()
                again = self.done(*self.command(way), "--json").last_json
                self.assertEqual(again["bytes_moved"], SIZE - PASSED * MIB)
                self.assert_whole(way)

    def test_client_killed_and_the_same_command_again(self):
        for way in (UP, DOWN):
            with self.subTest(way):
                relay, process = self.begin(way)
                process.kill()
                process.wait()
                relay.cut()
                relay.released.set()
                self.assertFalse(self.final(way).exists())
                again = self.done(*self.command(way), "--json").last_json
                self.assertEqual(again["bytes_moved"], SIZE - PASSED * MIB)
                self.assert_whole(way)

    def test_resumed_blocks_that_rotted_on_the_disk_are_sent_again(self):
        relay, process = self.begin(UP)
        process.kill()
        process.wait()
        relay.cut()
        relay.released.set()
        self.content = noise(SIZE, seed=2)  # every block is another now
        again = self.done(*self.command(UP), "--json").last_json
        self.assertEqual(again["bytes_moved"], SIZE)
        self.assert_whole(UP)

    def test_interrupted_by_the_user(self):
        for way in (UP, DOWN):
            with self.subTest(way):
                relay = self.relay(self.the_hub, Fault("stall", way, STALL_AFTER))
                process = self.start(*self.command(way))
                relay.wait_stalled()
                eventually(lambda: claims_in(self.receiver(way)) >= PASSED, "no claims")
                interrupt(process)
                end = ran(process)
                self.assertEqual((end.code, end.out), (3, ""))
                self.assertEqual(end.err, "skein: error: interrupted\nskein: hint: what was verified"
                                          " is kept; run the same command again: it goes on from "
                                          "there\n")
                relay.cut()
                relay.released.set()
                again = self.done(*self.command(way), "--json").last_json
                self.assertEqual(again["bytes_moved"], SIZE - PASSED * MIB)
                self.assert_whole(way)

    def test_cut_links_are_dialled_again_and_little_is_sent_twice(self):
        for way in (UP, DOWN):
            with self.subTest(way):
                # The last three meet a client that calls again, in its hello.
                cuts = [Fault("cut", way, at) for at in (2 * MIB, 3 * MIB + 1, 4 * MIB, 0, 5, 100)]
                relay = self.relay(self.the_hub, *cuts)
                end = self.done(*self.command(way), "--json").last_json
                self.assertTrue(end["done"])
                self.assert_whole(way)
                self.assertEqual(relay.dialled, len(cuts) + 1)
                # At each of the three late cuts at most a window of blocks is lost on the way.
                self.assertLess(relay.passed[way], SIZE + 3 * 8 * MIB)

    def test_a_flipped_bit_in_a_payload_is_noticed_and_the_block_sent_again(self):
        for way in (UP, DOWN):
            with self.subTest(way):
                relay = self.relay(self.the_hub, Fault("flip", way, 3 * MIB + MIB // 2))
                end = self.done(*self.command(way), "--json").last_json
                self.assertEqual((end["done"], end["verified"]), (True, "digest"))
                self.assert_whole(way)
                self.assertEqual(relay.dialled, 1)
                self.assertGreater(relay.passed[way], SIZE + MIB)
                self.assertLess(relay.passed[way], SIZE + MIB + SLACK)
        mismatches = self.the_hub.complaints("digest_mismatch")
        self.assertEqual(len(mismatches), 1, self.the_hub.log())


class SmallFiles(Case):
    """A put or get of a folder of small files whose connection stalls half way."""

    FOLDERS, EACH, BYTES = 10, 200, 3000

    def setUp(self):
        super().setUp()
        self.the_hub = self.hub(port=free_port())
        self.into = self.here / "into"
        self.content = {f"tree/{folder}/{name}": noise(self.BYTES, seed=folder * 1000 + name)
                        for folder in range(self.FOLDERS) for name in range(self.EACH)}

    def begin(self, way, *more):
        """Starts it, and waits until about half of the bytes have passed."""
        source = self.here if way == UP else self.the_hub.shared
        for path, content in self.content.items():
            self.write(path, content, folder=source)
        half = len(self.content) * self.BYTES // 2
        relay = self.relay(self.the_hub, Fault("stall", way, half))
        process = self.start(*self.command(way), "--json", *more)
        relay.wait_stalled()
        return relay, process

    @staticmethod
    def command(way):
        return ("put", "tree") if way == UP else ("get", "tree", "--into", "into")

    def there(self, way):
        """What stands under its final name by now."""
        receiver = self.the_hub.shared if way == UP else self.into
        return {path: (receiver / path).read_bytes() for path in self.content
                if (receiver / path).is_file()}

    def assert_only_whole_ones(self, way):
        there = self.there(way)
        self.assertLess(len(there), len(self.content))
        self.assertEqual(there, {path: self.content[path] for path in there})
        return len(there)

    def test_hub_killed_and_back_while_the_client_waits(self):
        for way in (UP, DOWN):
            with self.subTest(way):
                relay, process = self.begin(way)
                self.the_hub.kill()
                self.assert_only_whole_ones(way)
                self.the_hub.start()
                relay.cut()
                relay.released.set()
                end = ran(process)
                self.assertEqual((end.code, end.err), (0, ""))
                self.assertTrue(end.last_json["done"])
                self.assertEqual(end.last_json["files"], len(self.content))
                self.assertEqual(self.there(way), self.content)

    def test_client_killed_and_the_same_command_again(self):
        for way in (UP, DOWN):
            with self.subTest(way):
                relay, process = self.begin(way)
                process.kill()
                process.wait()
                relay.cut()
                relay.released.set()
                kept = self.assert_only_whole_ones(way)
                again = self.done(*self.command(way), "--json").last_json
                self.assertGreaterEqual(again["files_there"], kept)
                self.assertEqual(self.there(way), self.content)
                self.assertEqual(trash_of(self.the_hub.shared), [])


class Faults(Case):
    def setUp(self):
        super().setUp()
        self.the_hub = self.hub()

    def assert_never_wrong(self, content, faults, command, final):
        """However a dictionary is damaged: what stands under the name is whole, "done" is true,
        and the same command again without the damage mends all."""
        for way, text in faults:
            with self.subTest(way=way, text=text):
                final.unlink(missing_ok=True)
                relay = self.relay(self.the_hub, Fault("flip", way, text=text))
                end = self.skein(*command, "--json")
                self.assertEqual(end.code == 0, end.last_json["done"], end)
                if end.code == 0 or final.exists():
                    self.assertEqual(final.read_bytes(), content)
                self.environment["SKEIN_HUB"] = self.the_hub.address
                relay.close()
                self.done(*command)
                self.assertEqual(final.read_bytes(), content)
                self.assertEqual(trash_of(final.parent), [])

    # Flipped is one bit of the byte after each text.

    def test_a_flipped_bit_in_a_dictionary_of_a_put(self):
        content = noise(3 * MIB)
        self.write("a", content)
        faults = [(UP, text) for text in (b'"op"', b'"op":"he', b'"id"', b'"op":"put', b'"total":',
                                          b'"op":"block"', b'"handle":', b'"digest":"', b'"size":',
                                          b'"op":"commit"')]
        faults += [(DOWN, text) for text in (b'"ok"', b'"ok":', b'"version":', b'"seed":"',
                                             b'"handle":', b'"block_size":', b'"verified":"',
                                             b'"durable":')]
        self.assert_never_wrong(content, faults, ("put", "a"), self.the_hub.shared / "a")
        self.assertEqual(self.the_hub.names(), ["a"])

    def test_a_flipped_bit_in_a_dictionary_of_a_get(self):
        content = noise(3 * MIB)
        self.write("a", content, folder=self.the_hub.shared)
        faults = [(UP, text) for text in (b'"op":"ls', b'"op":"get', b'"op":"read"', b'"block":',
                                          b'"handle":', b'"seed":"')]
        faults += [(DOWN, text) for text in (b'"kind":', b'"name":', b'"total":', b'"digest":"',
                                             b'"block_size":', b'"seed":"', b'"size":10485')]
        self.assert_never_wrong(content, faults, ("get", "a", "--into", "into"),
                                self.here / "into" / "a")

    def test_a_source_that_changes_while_it_is_read(self):
        old = noise(2 * MIB, seed="old")
        changes = {
            "written to": lambda file: os.pwrite(file, b"changed", 11 * MIB),
            "cut shorter": lambda file: os.truncate(file, 11 * MIB),
            "grown": lambda file: os.pwrite(file, b"more", SIZE),
        }
        for how, change in changes.items():
            with self.subTest(how):
                name = how.replace(" ", "-")
                source = self.write(name, old)
                self.environment["SKEIN_HUB"] = self.the_hub.address
                self.done("put", name)
                source.write_bytes(noise(SIZE))
                relay = self.relay(self.the_hub, Fault("stall", UP, 2 * MIB))
                process = self.start("put", name)
                relay.wait_stalled()
                file = os.open(source, os.O_RDWR)
                change(file)
                os.close(file)
                relay.released.set()
                end = ran(process)
                self.assertEqual((end.code, end.out), (3, ""))
                self.assertRegex(end.err, rf"\Askein: error: '{name}' changed while being read\n"
                                          r"skein: hint: run the same command again; .*\n\Z")
                self.assertEqual((self.the_hub.shared / name).read_bytes(), old)
                self.done("put", name)
                self.assertEqual((self.the_hub.shared / name).read_bytes(), source.read_bytes())

    def test_a_file_of_the_hub_that_changes_while_it_is_fetched_is_fetched_as_it_is_now(self):
        there = self.write("a", noise(SIZE), folder=self.the_hub.shared)
        relay = self.relay(self.the_hub, Fault("stall", DOWN, 2 * MIB))
        process = self.start("get", "a", "--into", "into")
        relay.wait_stalled()
        there.write_bytes(noise(SIZE + 5, seed="new"))
        relay.released.set()
        self.assertEqual(ran(process).code, 0)
        self.assertEqual((self.here / "into/a").read_bytes(), noise(SIZE + 5, seed="new"))

    def test_two_clients_put_one_name_at_once(self):
        contents = [noise(SIZE, seed=seed) for seed in ("one", "two")]
        relays, clients = [], []
        for number, content in enumerate(contents):
            self.write(f"{number}/same", content)
            relays.append(self.relay(self.the_hub, Fault("stall", UP, 2 * MIB)))
            clients.append(self.start("put", f"{number}/same"))
        for relay in relays:
            relay.wait_stalled()
        self.assertEqual(len(partials_in(self.the_hub.shared)), 2)
        for relay in relays:
            relay.released.set()
        ends = [ran(client) for client in clients]
        self.assertEqual([end.code for end in ends], [0, 0])
        self.assertEqual(sum("1 replaced" in end.out for end in ends), 1)
        stands = (self.the_hub.shared / "same").read_bytes()
        ((path, displaced),) = trash_of(self.the_hub.shared)
        self.assertEqual(path, "same")
        self.assertEqual(sorted([stands, displaced]), sorted(contents))

    def test_one_file_put_twice_at_once_goes_on_with_the_newer(self):
        self.write("a", noise(SIZE))
        relay = self.relay(self.the_hub, Fault("stall", UP, 2 * MIB))
        older = self.start("put", "a")
        relay.wait_stalled()
        self.assertEqual(self.skein("put", "a").code, 0)
        relay.released.set()
        end = ran(older)
        self.assertEqual((end.code, end.err),
                         (3, "skein: error: another session took over the transfer of 'a'\n"))
        self.assertEqual((self.the_hub.shared / "a").read_bytes(), noise(SIZE))
        self.assertEqual(trash_of(self.the_hub.shared), [])

    def test_no_hub_is_said_at_once(self):
        self.the_hub.stop()
        self.write("a", b"1")
        for arguments in (("put", "a"), ("get", "a"), ("ls",), ("rm", "a"), ("restore", "a")):
            with self.subTest(arguments):
                # With the usual patience: a hub that never was there is not waited for.
                end = self.skein(*arguments)
                self.assertEqual((end.code, end.out), (5, ""))
                self.assertIn(self.the_hub.address, end.err)
                self.assertRegex(end.err, r"\Askein: error: .*\nskein: hint: .*\n\Z")

    def test_a_hub_that_is_gone_half_way(self):
        self.write("a", noise(SIZE))
        relay = self.relay(self.the_hub, Fault("stall", UP, 2 * MIB))
        process = self.start("put", "a", "--retry-for", "1")
        relay.wait_stalled()
        self.the_hub.kill()
        relay.cut()
        relay.released.set()
        end = ran(process)
        self.assertEqual((end.code, end.out), (3, ""))
        self.assertRegex(end.err, r"\Askein: error: lost the hub at 127\.0\.0\.1:\d+: .*\n"
                                  r"skein: hint: run the same command again.*\n\Z")
        self.assertEqual(self.the_hub.names(), [])

    def test_who_hangs_up_at_once_is_no_hub(self):
        self.relay(self.the_hub, Fault("cut", DOWN, 0))
        self.write("a", b"1")
        end = self.skein("put", "a")
        self.assertEqual((end.code, end.out), (5, ""))
        self.assertRegex(end.err, r"\Askein: error: who answers at 127\.0\.0\.1:\d+ is no hub: ")

    def test_waiting_for_a_hub_that_never_answers_can_be_interrupted(self):
        relay = self.relay(self.the_hub, Fault("stall", DOWN, 0))
        process = self.start("ls")
        relay.wait_stalled()
        interrupt(process)
        end = ran(process)
        self.assertEqual((end.code, end.err), (3, "skein: error: interrupted\n"))


class Ending(Case):
    """SIGTERM and SIGINT of the hub."""

    def setUp(self):
        super().setUp()
        self.the_hub = self.hub()

    def assert_ends(self, number):
        self.the_hub.process.send_signal(number)
        self.assertEqual(self.the_hub.process.wait(PATIENCE_S), 0)
        self.assertIn(f" info stopping: signal {int(number)};", self.the_hub.log())

    def test_without_anybody(self):
        self.assert_ends(signal.SIGTERM)
        self.the_hub.start()
        self.assert_ends(signal.SIGINT)
        self.assertEqual(self.the_hub.complaints(), [])

    def test_clients_that_rest_are_not_waited_for(self):
        resting = [self.converse(self.the_hub), self.converse(self.the_hub, hello=False)]
        self.assert_ends(signal.SIGTERM)
        for conversation in resting:
            self.assertEqual(conversation.rest(), b"")
        self.assertEqual(self.the_hub.complaints(), [])

    def test_a_put_under_way_is_finished_first(self):
        self.write("a", noise(SIZE))
        relay = self.relay(self.the_hub, Fault("stall", UP, STALL_AFTER))
        process = self.start("put", "a", "--retry-for", "0")
        relay.wait_stalled()  # within a block, so this connection does not rest
        self.the_hub.process.terminate()
        eventually(lambda: "stopping: signal" in self.the_hub.log(), "the hub heard no signal")
        with self.assertRaises(ConnectionError):  # no newcomers
            self.converse(self.the_hub)
        relay.released.set()
        end = ran(process)
        self.assertEqual(self.the_hub.process.wait(PATIENCE_S), 0)
        # Whole, or cut off where the connection rested between two blocks: never half.
        self.assertIn(end.code, (0, 3))
        self.assertEqual(self.the_hub.names(), ["a"] if end.code == 0 else [])
        self.the_hub.start()
        self.environment["SKEIN_HUB"] = self.the_hub.address
        self.done("put", "a")
        self.assertEqual((self.the_hub.shared / "a").read_bytes(), noise(SIZE))


if __name__ == "__main__":
    unittest.main()
