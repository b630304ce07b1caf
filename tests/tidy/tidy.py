#!/usr/bin/env python3
"""Rules of the tree that a compiler does not know.

    tidy.py layers [ROOT]   who may include whom; no sockets, clocks, threads below regions
    tidy.py lists [ROOT]    every source, folder and test class is in a CMakeLists.txt
    tidy.py format [ROOT]   clang-format would change nothing

Prints FILE:LINE: PROBLEM for each finding. Exits 0 when there is none, 1 when there are
some, 77 with a line "SKIPPED reason" when it cannot tell.
"""
import ast
import pathlib
import re
import shutil
import subprocess
import sys

CODE = ("core", "crdt", "sync", "regions", "tests", "examples")

# Who may include whom, beside themselves. tests and examples may include anything.
MAY_INCLUDE = {
    "core": (),
    "core/storage": ("core",),
    "crdt": ("core",),
    "crdt/merge": ("core", "crdt"),
    "sync": ("core", "crdt"),
    "regions/resp": ("core",),
    "regions/audit": ("core", "core/storage", "crdt"),
    "regions/audit/cli": ("core", "core/storage", "crdt", "crdt/merge", "regions/audit", "regions/client", "regions/settings"),
    "regions/security": ("core", "sync"),
    "regions/settings": ("core", "regions/security"),
    "regions/links": ("core", "regions/security"),
    "regions/commands": ("core", "core/storage", "crdt", "crdt/merge", "sync", "regions/audit", "regions/resp"),
    "regions/durability": ("core", "core/storage", "crdt", "sync", "regions/audit"),
    "regions/mirror": ("core", "core/storage", "sync", "regions/durability", "regions/settings"),
    "regions/engine": ("core", "core/storage", "crdt", "crdt/merge", "sync", "regions", "regions/audit", "regions/resp", "regions/settings",
                       "regions/links", "regions/commands", "regions/durability", "regions/mirror",
                       "regions/security"),
    "regions/backup": ("core", "core/storage", "crdt", "sync", "regions/durability", "regions/settings"),
    "regions/client": ("core", "regions/settings"),
    "regions/policy": ("core", "crdt/merge", "regions/client", "regions/settings"),
    "regions/region": ("core", "regions/client", "regions/settings"),
    "regions/verify": ("core", "crdt", "regions/client", "regions/settings"),
    "regions/merge": ("core", "crdt", "crdt/merge", "regions/client", "regions/settings"),
    "regions": ("core", "crdt/merge", "regions/audit/cli", "regions/backup", "regions/engine", "regions/merge", "regions/policy", "regions/region",
                "regions/security", "regions/settings",
                "regions/verify"),
}

# These and nothing else decide what a replica does: the same events give the same bytes.
PURE = ("core", "crdt", "crdt/merge", "sync", "regions/resp")
WORLD_HEADERS = re.compile(
    r"(thread|mutex|shared_mutex|condition_variable|atomic|future|semaphore|latch|barrier|stop_token"
    r"|chrono|ctime|time\.h|filesystem|fstream|iostream|unistd\.h|fcntl\.h|poll\.h|netdb\.h|signal\.h|csignal"
    r"|(sys|netinet|arpa|boost/asio|SQLiteCpp)/.*|zmq.*|sqlite3\.h)$")
WORLD_WORDS = re.compile(
    r"\b(random_device|system_clock|steady_clock|high_resolution_clock|clock_gettime|gettimeofday|getenv"
    r"|fopen|std::(time|rand|cout|cin|cerr))\b")

# Seconds of compile time each; see the house style.
HEAVY_HEADERS = re.compile(
    r"(msgpack.*|zmq.*|boost/.*|CLI/.*|toml\+\+/.*|spdlog/.*|SQLiteCpp/.*|sqlite3\.h|catch2/.*|rapidcheck.*"
    r"|nlohmann/.*|lua.*|range/v3/all\.hpp)$")

LINES_MAX = 500
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')
COMMENT_OR_STRING = re.compile(r'//.*|"(?:[^"\\]|\\.)*"')


def sources(root, *suffixes):
    for folder in CODE:
        for path in sorted((root / folder).rglob("*")):
            hidden = {"build", "node_modules", "__pycache__"} & set(path.parts)
            if path.suffix in suffixes and path.is_file() and not hidden:
                yield path


def folder_of(name):
    """The longest known folder that a path lies in: core/storage before core."""
    known = [folder for folder in MAY_INCLUDE if name.startswith(folder + "/")]
    return max(known, key=len, default=None)


def include_problem(name, folder, quoted, target):
    if quoted:
        other = folder_of(target)
        if other is None:
            return f'"{target}" is not written from the root of the repository'
        if other != folder and other not in MAY_INCLUDE[folder]:
            return f'{folder} may not include "{target}"'
    elif folder in PURE and WORLD_HEADERS.match(target):
        return f"<{target}> reaches the outside world; only regions and core/storage may"
    if name.endswith(".hpp") and not quoted and HEAVY_HEADERS.match(target):
        return f"<{target}> is too heavy for a header; include it in a .cpp file"
    return None


def source_problems(name, text):
    folder = folder_of(name)
    parent = name.rsplit("/", 1)[0]
    if folder != parent:
        yield 1, f"tests/tidy/tidy.py does not say what {parent} may include"
        return
    if name.endswith(".hpp") and not text.startswith("#pragma once\n"):
        yield 1, "a header begins with #pragma once"
    for number, line in enumerate(text.splitlines(), 1):
        include = INCLUDE.match(line)
        if include:
            problem = include_problem(name, folder, include[1] == '"', include[2])
        else:
            word = WORLD_WORDS.search(COMMENT_OR_STRING.sub("", line)) if folder in PURE else None
            problem = word and f"{word[0]} reaches the outside world; only regions and core/storage may"
        if problem:
            yield number, problem


def check_layers(root):
    for path in sources(root, ".cpp", ".hpp"):
        name = path.relative_to(root).as_posix()
        text = path.read_text()
        lines = len(text.splitlines())
        if lines > LINES_MAX:
            yield f"{name}:{lines}: longer than {LINES_MAX} lines"
        if not name.startswith(("tests/", "examples/")):
            for number, problem in source_problems(name, text):
                yield f"{name}:{number}: {problem}"


def is_listed(root, path):
    """Whether a CMakeLists.txt above names it, by its relative path with or without suffix."""
    for folder in path.parents:
        lists = folder / "CMakeLists.txt"
        if lists.is_file():
            relative = path.relative_to(folder)
            names = {relative.as_posix(), relative.with_suffix("").as_posix()}
            words = set(re.split(r"[\s()]+", lists.read_text()))
            if names & words:
                return True
        if folder == root:
            return False


def test_classes(path):
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef) and any(
                isinstance(member, ast.FunctionDef) and member.name.startswith("test_") for member in node.body):
            yield node


def check_lists(root):
    for path in sources(root, ".cpp"):
        if not is_listed(root, path):
            yield f"{path.relative_to(root)}:1: in no CMakeLists.txt"
    for path in sources(root, ".txt"):
        if path.name == "CMakeLists.txt" and not is_listed(root, path.parent):
            yield f"{path.relative_to(root)}:1: no CMakeLists.txt above adds this folder"
    e2e = root / "tests/e2e"
    listed = (e2e / "CMakeLists.txt").read_text() if e2e.is_dir() else ""
    for path in sorted(e2e.glob("*.py")):
        for node in test_classes(path):
            if not re.search(rf"\(\s*{path.stem}\s+{node.name}\b", listed):
                yield f"{path.relative_to(root)}:{node.lineno}: {node.name} is not in tests/e2e/CMakeLists.txt"


def find_clang_format():
    """clang-format 14: other versions have other opinions."""
    for program in ("clang-format-14", "clang-format"):
        if shutil.which(program):
            version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
            if " 14." in version:
                return program
    return None


def check_format(root):
    program = find_clang_format()
    if program is None:
        print("SKIPPED clang-format 14 is not installed")
        sys.exit(77)
    files = [path.relative_to(root).as_posix() for path in sources(root, ".cpp", ".hpp")]
    result = subprocess.run([program, "--dry-run", "--Werror", *files], cwd=root, capture_output=True, text=True)
    first = {}
    for name, line in re.findall(r"^(\S+?):(\d+):\d+: error", result.stderr, re.MULTILINE):
        first.setdefault(name, line)
    for name, line in first.items():
        yield f"{name}:{line}: not formatted; run {program} -i"
    if result.returncode != 0 and not first:
        yield f".clang-format:1: {program} failed: {result.stderr.strip()}"


CHECKS = {"layers": check_layers, "lists": check_lists, "format": check_format}


def main(arguments):
    if not arguments or arguments[0] not in CHECKS or len(arguments) > 2:
        print(__doc__, file=sys.stderr)
        return 64
    root = pathlib.Path(arguments[1] if len(arguments) > 1 else __file__ + "/../../..").resolve()
    findings = list(CHECKS[arguments[0]](root))
    for finding in findings:
        print(finding)
    print(f"{arguments[0]}: {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
