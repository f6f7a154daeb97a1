"""Texts of any length of the kinds that are made of lines: ordinary ones, and those that are hard on a compressor.

``SHAPES[kind][shape](size)`` is a text of about ``size`` characters, the same each time. Some are of the kind only at
their beginning: what claims a text by its first lines has to go through with the rest.
"""

from collections.abc import Callable

Shape = Callable[[int], str]

_WORDS = ("pool", "cache", "worker", "disk", "user", "queue", "socket", "index", "token", "batch", "lease", "shard")


def _scrambled(number: int) -> int:
    """Return a number that looks random, the same each time."""
    return (number * 2654435761 ^ number >> 3) & 0xFFFFFFFF


def _word(number: int) -> str:
    """Return a word without digits; the first 26^5 are all different."""
    return "".join(chr(97 + number // 26**place % 26) for place in range(5))


def _of_lines(line: Callable[[int], str], head: str = "") -> Shape:
    """Return the shape of a text whose line number n is ``line(n)``, below a head."""

    def shape(size: int) -> str:
        lines = [head] if head else []
        length = number = 0
        while length < size:
            lines.append(line(number))
            length += len(lines[-1]) + 1
            number += 1
        return "\n".join(lines) + "\n"

    return shape


def _of_one(piece: Callable[[int], str], head: str = "", end: str = "\n") -> Shape:
    """Return the shape of a text whose last line is very long."""

    def shape(size: int) -> str:
        pieces = []
        length = number = 0
        while length < size:
            pieces.append(piece(number))
            length += len(pieces[-1])
            number += 1
        return f"{head}{''.join(pieces)}{end}"

    return shape


def _time(number: int) -> str:
    return f"2026-03-{1 + number // 86400 % 28:02d} {number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}"


def _many_values(number: int) -> str:
    return f"{_time(number)} INFO stats " + " ".join(f"k{at}={_scrambled(number + at) % 7}" for at in range(40))


_LOGS: dict[str, Shape] = {
    "one template": _of_lines(lambda n: f"{_time(n)} INFO pool: connection {n} opened in {_scrambled(n) % 900} ms"),
    "every line another": _of_lines(lambda n: f"{_time(n)} {' '.join(_word(_scrambled(n + k)) for k in range(8))}"),
    "few words, any order": _of_lines(
        lambda n: f"{_time(n)} " + " ".join(_WORDS[_scrambled(n * 13 + k) % 12] for k in range(15))
    ),
    "one huge line": _of_one(lambda n: f"key{n}={_scrambled(n)} ", head=f"{_time(1)} INFO start\n" * 20),
    "tiny lines": _of_lines(lambda n: f"{n % 10}", head=f"{_time(1)} INFO start\n" * 60),
    "tiny rows": _of_lines(lambda n: f"{n % 60:02d}:00:01 a {n % 7}"),
    "many templates": _of_lines(lambda n: f"{_time(n)} INFO {_word(n % 4000 * 7919)}: {_word(n % 4000)} is {n % 97}"),
    "many values": _of_lines(_many_values),
    "many numbers": _of_lines(lambda n: " ".join(str(_scrambled(n + k) % 3) for k in range(300))),
    "colours": _of_lines(lambda n: f"\x1b[3{n % 7}m{_time(n)}\x1b[0m \x1b[1mINFO\x1b[0m step {n} done \x1b[K"),
    "carriage returns": _of_one(lambda n: f"\rDownloading {n % 100}% {_scrambled(n) % 999} kB/s", head="start\n" * 9),
    "bars in lines": _of_lines(lambda n: "".join(f"\rstep {n}: {k}%" for k in range(0, 100, 10))),
    "deep traces": _of_lines(
        lambda n: (
            f"{_time(n)} ERROR request {n} failed" if n % 50 == 0 else f"\tat com.shop.{_word(n % 50)}.run(A.java:{n})"
        )
    ),
    "all alarms": _of_lines(
        lambda n: f"{_time(n)} ERROR job {n} failed: error={_scrambled(n) % 9} timeout after {n} ms"
    ),
    "alarms in turn": _of_lines(
        lambda n: f"{_time(n)} WARN {_word(n % 300)} refused {n}" if n % 2 else f"{_time(n)} INFO ok {n}"
    ),
    "no errors": _of_lines(lambda n: f"{_time(n)} INFO done errors=0 failed: 0 0 warnings " * 6),
    "groups of rows": _of_lines(lambda n: f"{_time(n // 4)} INFO phase {_WORDS[n % 4]} of block {n // 4} begins"),
    "unicode": _of_lines(lambda n: f"{_time(n)} ИНФО пул: соединение {n} открыто 接続 {_scrambled(n) % 900} 🎉 мс"),
    "stamps only": _of_lines(lambda n: f"{_time(n)} " * 40),
    "dots": _of_lines(lambda n: f"{_time(n)} " + "a." * 900),
    "slashes": _of_lines(lambda n: f"{_time(n)} " + "a/" * 900),
    "colons": _of_lines(lambda n: f"{_time(n)} " + "a::" * 600),
    "spaces": _of_lines(lambda n: f"{_time(n)}" + " " * 1900 + "x"),
    "records": _of_lines(
        lambda n: f'{{"ts":"{_time(n)}","level":"info","msg":"request {n}","ms":{_scrambled(n) % 90}}}'
    ),
    "empty lines": _of_lines(lambda n: f"{_time(n)} INFO {n}" if n < 50 else ""),
    "same line": _of_lines(lambda n: f"{_time(0)} INFO waiting for the lock"),
    "web server": _of_lines(
        lambda n: (
            f'10.0.{n % 7}.{_scrambled(n) % 250} - - [03/Mar/2026:10:{n // 60 % 60:02d}:{n % 60:02d} +0000] "GET '
            f'/item/{_scrambled(n) % 9999}?page={n % 5} HTTP/1.1" {200 if n % 50 else 500} {_scrambled(n) % 90000}'
        )
    ),
}


def _python_trace(number: int) -> str:
    frame = f'  File "/usr/lib/python3.11/site-packages/{_word(number % 90)}/core.py", line {number % 999}, in run\n'
    return f"{frame}    return call_{number % 90}(value)"


_TRACES: dict[str, Shape] = {
    "deep": _of_lines(_python_trace, head="Traceback (most recent call last):"),
    "the same again": _of_lines(
        lambda n: (
            "Traceback (most recent call last):\n"
            + "\n".join(map(_python_trace, range(12)))
            + f"\nValueError: {n}\n\nDuring handling of the above exception, another exception occurred:\n"
        )
    ),
    "recursion": _of_lines(lambda n: '  File "/app/a.py", line 3, in f\n    return f(n - 1)' if n % 999 else f"E: {n}"),
    "java": _of_lines(
        lambda n: (
            f"java.lang.IllegalStateException: {n}"
            if n % 40 == 0
            else f"\tat org.springframework.web.{_word(n % 200)}.doFilter(Filter.java:{n % 999})"
        )
    ),
    "go": _of_lines(lambda n: f"main.run{n % 50}(0x{n:x})\n\t/usr/local/go/src/run/{_word(n % 80)}.go:{n % 999} +0x1d"),
    "many directories": _of_lines(
        lambda n: f'  File "/{_word(n)}/{_word(n * 7)}/{_word(n * 11)}/m.py", line {n}, in f'
    ),
    "one deep path": _of_lines(lambda n: f'  File "/{"d/" * 200}m{n}.py", line {n}, in f'),
    "long lines": _of_lines(lambda n: f"    at f{n} ({'x' * 500}:{n}:1)"),
    "chains": _of_lines(
        lambda n: f"Caused by: java.io.IOException: {n}\n\tat a.b.C.d(C.java:{n % 9})\n\t... {n % 30} more"
    ),
}

_GREP: dict[str, Shape] = {
    "one hit a file": _of_lines(lambda n: f"src/{_word(n % 300)}/{_word(n)}.py:{n % 999}:    return value_{n}"),
    "one file": _of_lines(lambda n: f"src/app.py:{n + 1}:    call_{_scrambled(n) % 999}(value)"),
    "the same line": _of_lines(lambda n: f"src/{_word(n % 900)}.py:{n + 1}:import unittest  # of the suite"),
    "with context": _of_lines(
        lambda n: (
            f"src/m{n // 40}.py{':' if n % 5 == 2 else '-'}{n + 1}{':' if n % 5 == 2 else '-'}    x = {n}"
            if n % 9
            else "--"
        )
    ),
    "minified": _of_lines(lambda n: f"dist/{_word(n)}.min.js:1:{'var a=1;' * 500}"),
    "one long line": _of_one(lambda n: f"x{n}:", head="".join(f"src/a{k}.py:{k}:x\n" for k in range(20))),
    "dashes": _of_lines(lambda n: f"src/a-{n}-b.py-{n}-" + "-1-" * 120 if n % 3 else f"src/a-{n}-b.py:{n}:x"),
    "counts": _of_lines(lambda n: f"src/{_word(n)}.py:{_scrambled(n) % 40}"),
    "no numbers": _of_lines(lambda n: f"src/{_word(n % 900)}.py:import {_word(n)}"),
    "many directories": _of_lines(lambda n: f"{'/'.join(_word(n * k) for k in range(1, 12))}/a.py:{n}:x = {n}"),
    "tiny": _of_lines(lambda n: f"a.c:{n}:"),
    "numbers only": _of_lines(lambda n: f"{n + 1}{':' if n % 4 == 0 else '-'}    x = {n}"),
}

_TREES: dict[str, Shape] = {
    "paths": _of_lines(lambda n: f"src/{_word(n // 40)}/{_word(n)}.py"),
    "one directory": _of_lines(lambda n: f"./data/{_word(n)}.json"),
    "own directories": _of_lines(lambda n: f"./{_word(n)}/{_word(n * 7)}/index.ts"),
    "deep paths": _of_lines(lambda n: f"{'/'.join(_word(n * k) for k in range(1, 30))}/a.py"),
    "numbered": _of_lines(lambda n: f"./shots/frame_{n:06d}.png"),
    "digests": _of_lines(lambda n: f"./.git/objects/{n % 256:02x}/{_scrambled(n):08x}{_scrambled(n + 7):08x}"),
    "sizes": _of_lines(lambda n: f"{_scrambled(n) % 99999}\t./src/{_word(n // 30)}/{_word(n)}.go"),
    "ls -lR": _of_lines(
        lambda n: (
            f"\n./{_word(n)}:\ntotal {n % 90}"
            if n % 12 == 0
            else f"-rw-r--r-- 1 root root {_scrambled(n) % 99999:>6} Mar  {1 + n % 9} 10:{n % 60:02d} {_word(n)}.txt"
        )
    ),
    "ls -l, owners": _of_lines(
        lambda n: f"-rw-r--r-- {n % 7} {_word(n % 99)} {_word(n % 77)} {_scrambled(n) % 999:>6} Mar  3 10:00 {_word(n)}"
    ),
    "drawn": _of_lines(lambda n: f"├── {_word(n // 9)}" if n % 9 == 0 else f"│   ├── {_word(n)}.py", head="."),
    "drawn deep": _of_lines(lambda n: f"{'│   ' * (n % 60)}├── {_word(n)}", head="."),
    "packages": _of_lines(
        lambda n: f"├─┬ {_word(n)}@{n % 9}.0.0" if n % 4 == 0 else f"│ ├── {_word(n % 90)}@{n % 9}.1.0",
        head="app@1.0.0 /app",
    ),
    "git status": _of_lines(lambda n: f" M src/{_word(n // 40)}/{_word(n)}.py"),
}


def _hunk(number: int) -> str:
    return (
        f"@@ -{number * 10 + 1},7 +{number * 10 + 1},7 @@ def f{number}():\n     a = 1\n     b = 2\n     c = 3\n"
        f"-    d = {number}\n+    d = {number + 1}\n     e = 5\n     f = 6\n     g = 7"
    )


def _patch(name: str) -> str:
    return f"diff --git a/{name} b/{name}\nindex 1111111..2222222 100644\n--- a/{name}\n+++ b/{name}"


_DIFFS: dict[str, Shape] = {
    "hunks": _of_lines(_hunk, head=_patch("src/app.py")),
    "files": _of_lines(lambda n: f"{_patch(f'src/{_word(n)}.py')}\n{_hunk(0)}"),
    "one hunk": _of_lines(lambda n: f"+    added_{n} = {n}", head=f"{_patch('a.py')}\n@@ -0,0 +1,99999 @@"),
    "changes in turn": lambda size: (
        _patch("a.py")
        + f"\n@@ -1,{size // 14} +1,{size // 14} @@\n"
        + "".join(f"-old {n:06d}\n+new {n:06d}\n" for n in range(size // 28))
        + "".join(f" {n}\n" for n in range(size // 14 - size // 28))
    ),
    "lock file": _of_lines(
        lambda n: (
            f'@@ -{n * 9 + 1},3 +{n * 9 + 1},3 @@\n   "{_word(n)}": {{\n'
            f'-    "version": "1.{n}"\n+    "version": "2.{n}"\n   }}'
        ),
        head=_patch("package-lock.json"),
    ),
    "log": _of_lines(
        lambda n: (
            f"commit {_scrambled(n):08x}{'0' * 32}\nAuthor: {_word(n % 40)} <{_word(n % 40)}@example.org>\n"
            f"Date:   Mon Mar 2 10:00:{n % 60:02d} 2026 +0100\n\n"
            f"    Fix {_word(n)}\n    \n    Signed-off-by: a <a@example.org>\n"
        )
    ),
    "stat": _of_lines(
        lambda n: f" src/{_word(n // 20)}/{_word(n)}.py | {n % 90:>2} +-",
        head="commit " + "0" * 40 + "\nAuthor: a <a@b>\nDate:   now\n\n    x\n",
    ),
    "oneline": _of_lines(lambda n: f"{_scrambled(n):07x} Fix {_word(n)} in {_WORDS[n % 12]} (#{n})"),
    "cut hunks": _of_lines(lambda n: f"@@ -{n},900 +{n},900 @@\n context\n-a\n+b", head=_patch("a.py")),
    "blame": _of_lines(
        lambda n: f"{_scrambled(n // 9):08x} src/a.py (Ada Low 2026-03-02 10:00:00 +0100 {n + 1:>6}) x = {n}"
    ),
    "long lines": _of_lines(
        lambda n: f"@@ -{n + 1} +{n + 1} @@\n-{'a' * 3000}\n+{'b' * 3000}", head=_patch("a.min.js")
    ),
}

_TESTS: dict[str, Shape] = {
    "pytest -v": _of_lines(
        lambda n: f"tests/test_{_word(n // 40)}.py::test_{_word(n)}[{n}] PASSED".ljust(70) + f"[{n % 100:>3}%]",
        head="============ test session starts ============\nplatform linux\ncollected 90000 items\n",
    ),
    "all fail": _of_lines(
        lambda n: f"FAILED tests/test_{_word(n // 40)}.py::test_{_word(n)} - AssertionError: assert {n} == {n + 1}",
        head="============ test session starts ============\ncollected 90000 items\n",
    ),
    "failures": _of_lines(
        lambda n: (
            f"______ test_{n} ______\n\n    def test_{n}():\n        value = call({n})\n>       assert value == {n}\n"
            f"E       assert {n + 1} == {n}\n\ntests/test_a.py:{n}: AssertionError"
        ),
        head="============ test session starts ============\ncollected 9 items\n\n===== FAILURES =====",
    ),
    "go test -v": _of_lines(lambda n: f"=== RUN   Test{_word(n)}\n--- PASS: Test{_word(n)} (0.0{n % 9}s)"),
    "go test -json": _of_lines(
        lambda n: (
            f'{{"Time":"2026-03-02T10:00:00Z","Action":"output","Package":"shop/{_word(n // 90)}",'
            f'"Test":"Test{_word(n)}","Output":"--- PASS: Test{_word(n)} (0.00s)\\n"}}'
        )
    ),
    "unfinished": _of_lines(
        lambda n: (
            f'{{"Time":"2026-03-02T10:00:00Z","Action":"{("run", "pass")[n % 2]}",'
            f'"Package":"shop/a","Test":"Test{_word(n)}"}}'
        )
    ),
    "mocha": _of_lines(lambda n: f"  {_word(n // 30)}" if n % 30 == 0 else f"    ✔ does {_word(n)} ({n % 90}ms)"),
    "cargo": _of_lines(lambda n: f"test {_word(n // 30)}::{_word(n)} ... ok", head="running 90000 tests"),
    "unittest": _of_lines(lambda n: f"test_{_word(n)} (app.tests.Case{n // 30}.test_{_word(n)}) ... ok"),
    "tap": _of_lines(
        lambda n: f"# Subtest: {_word(n)}\nok {n + 1} - {_word(n)}\n  ---\n  duration_ms: 0.{n % 9}\n  ...",
        head="TAP version 13",
    ),
    "ctest": _of_lines(
        lambda n: (
            f"      Start {n + 1:>4}: {_word(n)}\n"
            f"{n + 1:>4}/9999 Test {f'#{n + 1}':>5}: {_word(n)} {'.' * 20}   Passed    0.00 sec"
        ),
        head="Test project /build",
    ),
    "the same blocks": _of_lines(
        lambda n: "\n".join(f"    line {n % 7} of a block that comes again {k}" for k in range(9)),
        head="ok 1 - a\n" * 9,
    ),
    "blocks in turn": _of_lines(
        lambda n: f"a block that takes turns, number {_scrambled(n) % 6}", head="test a ... ok\n" * 60
    ),
}

_BUILDS: dict[str, Shape] = {
    "tsc": _of_lines(
        lambda n: (
            f"src/{_word(n // 20)}.ts({n % 900 + 1},{n % 70 + 1}): "
            f"error TS2{n % 50:03d}: Property '{_word(n)}' is missing."
        )
    ),
    "one message": _of_lines(
        lambda n: f"src/{_word(n)}.ts({n % 900 + 1},5): error TS2322: Type 'a' is not assignable."
    ),
    "gcc": _of_lines(
        lambda n: (
            f"src/{_word(n // 9)}.c:{n % 900 + 1}:5: warning: unused variable 'x{n}' [-Wunused-variable]\n"
            f"{n % 900 + 1:>5} |     int x{n} = 1;\n      |     ^~~~"
        )
    ),
    "mypy": _of_lines(
        lambda n: f'src/{_word(n // 9)}.py:{n + 1}: error: Item "{_word(n)}" has no attribute "x"  [union-attr]'
    ),
    "eslint": _of_lines(
        lambda n: (
            f"\n/app/src/{_word(n)}.js"
            if n % 9 == 0
            else f"  {n % 900}:{n % 70}  error  '{_word(n)}' is not defined  no-undef"
        )
    ),
    "rustc": _of_lines(
        lambda n: (
            f"warning: unused variable: `x{n}`\n  --> src/{_word(n // 9)}.rs:{n + 1}:9\n   |\n"
            f"{n + 1} |     let x{n} = 1;\n   |         ^^\n   |\n"
        )
    ),
    "docker": _of_lines(
        lambda n: (
            f"#{n // 20 % 30} {n % 90}.{n % 10} Get:{n} http://deb.example.org/debian stable/main {_word(n)} "
            f"[{n % 900} kB]"
        )
    ),
    "npm": _of_lines(
        lambda n: f"npm warn deprecated {_word(n)}@{n % 9}.0.{n % 7}: This package is no longer supported."
    ),
    "make": _of_lines(
        lambda n: f"[{n % 100:>3}%] Building CXX object src/CMakeFiles/app.dir/{_word(n // 30)}/{_word(n)}.cpp.o"
    ),
    "downloads": _of_lines(
        lambda n: f"Downloading from central: https://repo.example.org/{_word(n // 9)}/{_word(n)}-1.{n % 9}.jar"
    ),
}


def _function(number: int) -> str:
    body = "\n".join(f"    if value_{k} > {number}:\n        raise ValueError({k})" for k in range(6))
    return f"def f{number}(value):\n{body}\n    return {number}\n\n"


_SOURCES: dict[str, Shape] = {
    "functions": _of_lines(_function),
    "one body": _of_lines(lambda n: f"    value_{n} = call({n})", head="def f():"),
    "nested": _of_lines(lambda n: " " * (n % 60) + f"def f{n}():"),
    "literal": _of_lines(lambda n: f"    {n}: 'value {n}',", head="TABLE = {"),
    "comments": _of_lines(lambda n: f"# line {n} of a comment"),
    "open": _of_lines(lambda n: f"f{n}(("),
    "raises": _of_lines(lambda n: f"    raise ValueError({n})", head="def f():"),
}

SHAPES: dict[str, dict[str, Shape]] = {
    "log_lines": _LOGS,
    "stack_traces": _TRACES,
    "search_hits": _GREP,
    "file_tree": _TREES,
    "diff_hunks": _DIFFS,
    "blame_lines": {"blame": _DIFFS["blame"]},
    "test_report": _TESTS,
    "build_output": _BUILDS,
    "source_code": _SOURCES,
}
SUBJECTS = {"source_code": "src/app.py"}
"""What was read, where a compressor goes by that."""
