#!/usr/bin/env python3
"""Each rule of tidy.py finds what it is for, and accepts what is right."""
import pathlib
import tempfile
import unittest

import tidy


class Tree:
    """A repository in a scratch directory, written as {path: text}."""

    def __init__(self, files):
        self.scratch = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.scratch.name)
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def findings(self, check):
        try:
            return list(tidy.CHECKS[check](self.root))
        finally:
            self.scratch.cleanup()


class Layers(unittest.TestCase):
    def expect(self, name, text, *words):
        findings = Tree({name: text}).findings("layers")
        if not words:
            self.assertEqual(findings, [])
            return
        self.assertEqual(len(findings), 1, findings)
        self.assertTrue(findings[0].startswith(name + ":"), findings)
        for word in words:
            self.assertIn(word, findings[0])

    def test_downward_includes_are_fine(self):
        self.expect("core/a.cpp", '#include "core/ids.hpp"\n')
        self.expect("crdt/a.cpp", '#include "core/ids.hpp"\n')
        self.expect("sync/a.cpp", '#include "crdt/cell.hpp"\n')
        self.expect("regions/engine/a.cpp", '#include "sync/replica.hpp"\n#include <thread>\n')
        self.expect("tests/sync/a.cpp", '#include "regions/engine/engine.hpp"\n#include <random>\n')

    def test_upward_includes_are_found(self):
        self.expect("core/a.cpp", '#include "crdt/cell.hpp"\n', "core may not include")
        self.expect("crdt/a.cpp", '\n#include "sync/batch.hpp"\n', ":2:", "crdt may not include")
        self.expect("sync/a.hpp", '#pragma once\n  #  include "regions/leader.hpp"\n', "sync may not include")

    def test_only_regions_includes_storage(self):
        self.expect("core/storage/a.cpp", '#include "core/hash.hpp"\n#include <SQLiteCpp/Database.h>\n')
        self.expect("core/a.cpp", '#include "core/storage/log_db.hpp"\n', "core may not include")
        self.expect("sync/a.cpp", '#include "core/storage/log_db.hpp"\n', "sync may not include")
        self.expect("core/storage/a.cpp", '#include "crdt/cell.hpp"\n', "core/storage may not include")

    def test_folders_of_regions_do_not_know_each_other_unless_listed(self):
        self.expect("regions/resp/a.cpp", '#include "regions/commands/execute.hpp"\n', "regions/resp may not include")
        self.expect("regions/links/a.cpp", '#include "regions/leader.hpp"\n', "regions/links may not include")

    def test_a_folder_without_rules_is_found(self):
        self.expect("regions/web/a.cpp", "int a;\n", "does not say what regions/web may include")
        self.expect("core/codec/a.cpp", "int a;\n", "does not say what core/codec may include")

    def test_an_include_that_does_not_begin_at_the_root_is_found(self):
        self.expect("core/a.cpp", '#include "ids.hpp"\n', "not written from the root")

    def test_the_outside_world_is_found_below_regions(self):
        for header in ("thread", "mutex", "atomic", "chrono", "sys/socket.h", "unistd.h", "zmq.hpp", "sqlite3.h",
                       "filesystem", "boost/asio/io_context.hpp"):
            for name in ("core/a.cpp", "crdt/a.cpp", "sync/a.cpp", "regions/resp/a.cpp"):
                self.expect(name, f"#include <{header}>\n", f"<{header}> reaches the outside world")
        for call in ("std::random_device seed;", "std::chrono::system_clock::now();", "steady_clock::now();",
                     'getenv("HOME");', 'fopen("x", "r");', "std::time(nullptr);"):
            self.expect("sync/a.cpp", f"auto x = {call}\n", "reaches the outside world")

    def test_words_in_comments_and_strings_are_no_calls(self):
        self.expect("sync/a.cpp", '// never system_clock\nauto s = "getenv";\n')
        self.expect("sync/a.cpp", "int random_devices, runtime;\nstd::map<int, int> mutexes;\n")

    def test_heavy_headers_are_found_in_headers_only(self):
        for header in ("msgpack.hpp", "zmq.hpp", "boost/asio/io_context.hpp", "spdlog/logger.h", "toml++/toml.h",
                       "CLI/CLI.hpp", "SQLiteCpp/Database.h", "range/v3/all.hpp"):
            self.expect("regions/engine/a.hpp", f"#pragma once\n#include <{header}>\n", "too heavy for a header")
            self.expect("regions/engine/a.cpp", f"#include <{header}>\n")

    def test_a_header_without_its_guard_is_found(self):
        self.expect("core/a.hpp", "int a;\n", "#pragma once")

    def test_a_file_that_is_too_long_is_found(self):
        self.expect("tests/a.cpp", "int a;\n" * 500)
        self.expect("tests/a.cpp", "int a;\n" * 501, "longer than")


class Lists(unittest.TestCase):
    def expect(self, files, *names):
        findings = Tree(files).findings("lists")
        self.assertEqual([finding.split(":")[0] for finding in findings], list(names), findings)

    def test_a_listed_source_is_fine_wherever_it_is_listed(self):
        self.expect({"CMakeLists.txt": "add_subdirectory(core)", "core/CMakeLists.txt": "turnstone_library(core\n  SOURCES a.cpp)",
                     "core/a.cpp": ""})
        self.expect({"CMakeLists.txt": "foreach(f core)\n add_subdirectory(${f})", "core/CMakeLists.txt": "f(parts/a.cpp)",
                     "core/parts/a.cpp": ""})
        self.expect({"CMakeLists.txt": "foreach(folder core crdt)", "core/CMakeLists.txt": "foreach(x a b)", "core/a.cpp": ""})

    def test_an_unlisted_source_is_found(self):
        self.expect({"CMakeLists.txt": "core", "core/CMakeLists.txt": "f(ab.cpp a.cpp.in)", "core/a.cpp": ""}, "core/a.cpp")
        self.expect({"tests/new/a.cpp": ""}, "tests/new/a.cpp")

    def test_an_unlisted_folder_is_found(self):
        self.expect({"tests/CMakeLists.txt": "foreach(folder core crdt)", "CMakeLists.txt": "tests",
                     "tests/new/CMakeLists.txt": ""}, "tests/new/CMakeLists.txt")

    def test_an_unlisted_test_class_is_found(self):
        text = "class Case:\n    def setUp(self): pass\n\nclass Kill9(Case):\n    def test_it(self): pass\n"
        lists = {"CMakeLists.txt": "tests/e2e"}
        self.expect({**lists, "tests/e2e/CMakeLists.txt": "turnstone_e2e(kill9 Kill9 TIMEOUT 9)", "tests/e2e/kill9.py": text})
        self.expect({**lists, "tests/e2e/CMakeLists.txt": "turnstone_e2e(kill9 Kill99)", "tests/e2e/kill9.py": text},
                    "tests/e2e/kill9.py")


@unittest.skipIf(tidy.find_clang_format() is None, "clang-format 14 is not installed")
class Format(unittest.TestCase):
    def test_an_unformatted_source_is_found_and_a_formatted_one_is_not(self):
        style = {".clang-format": "BasedOnStyle: Google\n"}
        self.assertEqual(Tree({**style, "core/a.cpp": "int a;\n"}).findings("format"), [])
        findings = Tree({**style, "core/a.cpp": "int a;\nint  b ;\n"}).findings("format")
        self.assertEqual(len(findings), 1)
        self.assertTrue(findings[0].startswith("core/a.cpp:2: not formatted"))


if __name__ == "__main__":
    unittest.main()
