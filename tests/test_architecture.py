"""The rules of the house: who may import whom, what stands where, and how big a thing may get."""

import ast
import functools
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "headroom_mitm"

# Bottom up: a module may import from rows below its own, and from its own package.
LAYERS: tuple[frozenset[str], ...] = (
    frozenset(
        {
            "__init__",
            "addressed",
            "asked_addons",
            "cache_terms",
            "checked_types",
            "data",
            "errors",
            "framing",
            "ledger_figures",
            "recent",
            "segments",
            "sizes",
            "tokens",
            "usage",
        }
    ),
    frozenset(
        {
            "break_even",
            "compressors",
            "credentials",
            "families",
            "file_reads",
            "prices",
            "parts",
            "store",
            "wire",
            "wording",
        }
    ),
    frozenset({"calibration", "holdout", "hosts", "ledger_money", "ledger_sources"}),
    frozenset({"certificates", "journal", "neighbours", "settings"}),
    frozenset(
        {"alike", "breakpoints", "conversation", "front_changes", "ledger", "overlaps", "passages", "router", "squash"}
    ),
    frozenset(
        {"outcomes", "ledger_entry", "lifetimes", "own_call", "pasts", "quotes", "sending", "visits", "volatile"}
    ),
    frozenset({"deltas", "offered", "owed"}),
    frozenset({"repeats"}),
    frozenset({"epochs", "fronts", "learning", "ledger_misses", "old_results"}),
    frozenset({"caching", "foresight", "ledger_writer", "roundtrip"}),
    frozenset({"aligner"}),
    frozenset({"choices"}),
    frozenset({"hindsight", "offers"}),
    frozenset({"learnt", "pipeline"}),
    frozenset({"behind", "errand", "holdings", "lull"}),
    frozenset({"service"}),
    frozenset({"metering", "tenants"}),
    frozenset(
        {"answers", "defaults", "kept_answers", "permission", "presence", "printed", "sockets", "trimming", "web"}
    ),
    frozenset({"health"}),
    frozenset({"plugin"}),
    frozenset({"script"}),
    frozenset({"audit", "stats"}),
    frozenset({"commands"}),
    frozenset({"cli"}),
)
# What is tied down more: only these, whatever stands below.
ONLY = {
    "__init__": frozenset(),
    "data": frozenset(),
    "errors": frozenset(),
    "framing": frozenset(),
    "ledger_figures": frozenset(),
    "recent": frozenset(),
    "segments": frozenset(),
    "cache_terms": frozenset(),
    "tokens": frozenset({"data"}),
    "usage": frozenset(),
    "compressors": frozenset({"tokens"}),
    "sizes": frozenset({"segments", "tokens"}),
    "store": frozenset({"errors", "recent", "segments", "sizes", "tokens"}),
    "wire": frozenset({"errors", "framing", "recent", "segments", "tokens", "usage"}),
}
MAY_IMPORT_MITMPROXY = re.compile(
    r"addon/(addressed|asked_addons|checked_types|plugin|answers|health|kept_answers|metering|presence|printed|sockets|settings|defaults|cli|commands/\w+|script|certificates|audit/flows|roundtrip/passing|roundtrip/reads|roundtrip/short_way|roundtrip/substream|roundtrip/way_in|web/\w+)\.py|headroom_addon\.py|(tests|scripts)/.*"
)
MAY_READ_ENVIRONMENT = re.compile(r"addon/(settings|cli|commands/\w+)\.py|headroom_addon\.py|(tests|scripts)/.*")
MAY_NAME_PROVIDER_WORDS = re.compile(r"addon/wire/.*|(tests|scripts)/.*")
MAY_CATCH_ALL = re.compile(r"addon/(router|plugin|answers|roundtrip/guarded|sockets|pipeline)\.py")
CATCH_ALL_FILES = 5
PROVIDER_WORDS = re.compile(
    r"\b(tool_use|tool_result|tool_use_id|tool_calls|tool_call_id|function_call|function_call_output|call_id"
    r"|functionCall|functionResponse|functionDeclarations|message_start|message_delta|message_stop"
    r"|content_block_start|content_block_delta|content_block_stop|input_json_delta|cache_control)\b"
)
BAD_STEM = re.compile(r"(^|_)(utils?|helpers?|common|managers?)$")
BAD_CLASS = re.compile(r"(Utils?|Helpers?|Common|Managers?)$")
SKIPPING = frozenset({"skip", "skipif", "xfail", "importorskip"})
OTHER_SYSTEM = re.compile(r"pytest\.mark\.skipif\((os\.name|sys\.platform) ")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

FILE_LINES, TEST_FILE_LINES, FUNCTION_LINES = 400, 600, 60
NESTING, METHODS, PARAMETERS = 4, 12, 6


class File:
    """A source file, read: its path from the root, its text, its tree."""

    def __init__(self, path: str, source: str) -> None:
        self.path = path
        self.source = source
        self.tree = ast.parse(source)
        self.nodes = list(ast.walk(self.tree))

    @property
    def layer(self) -> str:
        """The module or package directly below ours; empty for what is not part of the package."""
        first, *rest = PurePosixPath(self.path).parts
        if first == "compressors":
            return first
        return rest[0].removesuffix(".py") if first == "addon" else ""

    def modules(self) -> Iterator[str]:
        """Yield the full name of all that is imported, wherever the import stands."""
        for node in self.nodes:
            if isinstance(node, ast.Import):
                yield from (name.name for name in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield from (f"{node.module}.{name.name}" for name in node.names)


def imports_go_one_way(file: File) -> Iterator[str]:
    if not file.layer:
        return
    row = next((row for row, layer in enumerate(LAYERS) if file.layer in layer), None)
    if row is None:
        yield f"{file.layer} has no place in LAYERS"
        return
    below = frozenset().union(*LAYERS[:row])
    for module in file.modules():
        package, _, rest = module.partition(".")
        target = rest.partition(".")[0]
        if package != PACKAGE or target in (file.layer, "__version__"):
            continue
        if target not in ONLY.get(file.layer, below):
            yield f"{file.layer} imports {target}"


def imports_are_absolute(file: File) -> Iterator[str]:
    yield from (
        f"line {node.lineno}: relative import" for node in file.nodes if isinstance(node, ast.ImportFrom) and node.level
    )


def mitmproxy_stays_at_the_edge(file: File) -> Iterator[str]:
    if not MAY_IMPORT_MITMPROXY.fullmatch(file.path):
        yield from (f"imports {module}" for module in file.modules() if module.startswith("mitmproxy"))


def the_environment_is_read_in_one_place(file: File) -> Iterator[str]:
    if MAY_READ_ENVIRONMENT.fullmatch(file.path):
        return
    names = {"environ", "environb", "getenv", "getenvb"}
    for node in file.nodes:
        of_os = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os"
        if of_os and node.attr in names:
            yield f"line {node.lineno}: os.{node.attr}"
    yield from (f"imports {module}" for module in file.modules() if module in {f"os.{name}" for name in names})


def provider_words_live_in_wire(file: File) -> Iterator[str]:
    if MAY_NAME_PROVIDER_WORDS.fullmatch(file.path):
        return
    prose = {id(node.value) for node in file.nodes if isinstance(node, ast.Expr)}  # docstrings
    for node in file.nodes:
        if isinstance(node, ast.Constant) and id(node) not in prose and isinstance(node.value, str | bytes):
            text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
            yield from (f"line {node.lineno}: {word[0]!r}" for word in PROVIDER_WORDS.finditer(text))


def _catches_all(node: ast.AST) -> bool:
    if isinstance(node, ast.ExceptHandler):
        caught = node.type
        if caught is None:
            return True
    elif isinstance(node, ast.Call) and "suppress" in ast.unparse(node.func):
        caught = ast.Tuple(elts=list(node.args))
    else:
        return False
    return any(isinstance(name, ast.Name) and name.id in ("Exception", "BaseException") for name in ast.walk(caught))


def errors_are_caught_by_name(file: File) -> Iterator[str]:
    if file.layer and not MAY_CATCH_ALL.fullmatch(file.path):
        yield from (f"line {node.lineno}: catches all" for node in file.nodes if _catches_all(node))


def names_say_what_a_thing_does(file: File) -> Iterator[str]:
    for part in PurePosixPath(file.path).with_suffix("").parts:
        if BAD_STEM.search(part.removeprefix("test_")):
            yield f"{part} is no name"
    for node in file.nodes:
        if isinstance(node, ast.ClassDef) and BAD_CLASS.search(node.name):
            yield f"{node.name} is no name"


def nothing_is_unfinished(file: File) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(file.source).readline):
        if token.type == tokenize.COMMENT and UNFINISHED.search(token.string):
            yield f"line {token.start[0]}: {token.string}"


def every_test_runs_the_real_thing(file: File) -> Iterator[str]:
    if not file.path.startswith("tests/"):
        return
    other_systems = {
        id(node.func) for node in file.nodes if isinstance(node, ast.Call) and OTHER_SYSTEM.match(ast.unparse(node))
    }
    for node in file.nodes:
        if isinstance(node, ast.Attribute) and node.attr in SKIPPING and id(node) not in other_systems:
            yield f"line {node.lineno}: {node.attr}"
    yield from (f"imports {module}" for module in file.modules() if module.startswith(("unittest.mock", "mock")))


def _depth(statements: list[ast.stmt]) -> int:
    """How deep blocks stand in each other. An ``elif`` is no deeper than its ``if``; a function inside starts anew."""
    deepest = 0
    for statement in statements:
        if not isinstance(statement, BLOCKS):
            continue
        inner = [_depth(body) for body in _bodies(statement)]
        chained = (
            isinstance(statement, ast.If) and len(statement.orelse) == 1 and isinstance(statement.orelse[0], ast.If)
        )
        inner[-1] -= chained
        deepest = max(deepest, 1 + max(inner))
    return deepest


def _bodies(statement: ast.stmt) -> list[list[ast.stmt]]:
    holders = [statement, *getattr(statement, "handlers", ()), *getattr(statement, "cases", ())]
    return [getattr(holder, name, []) for holder in holders for name in ("body", "finalbody", "orelse")]


def sizes_stay_small(file: File) -> Iterator[str]:
    lines = file.source.count("\n")
    tests = file.path.startswith("tests/")
    limit = TEST_FILE_LINES if tests else FILE_LINES
    if lines > limit:
        yield f"{lines} lines, {limit} are allowed"
    for node in file.nodes:
        if isinstance(node, FUNCTIONS):
            yield from (f"line {node.lineno}: {node.name} has {fault}" for fault in _faults_of(node, tests=tests))
        elif isinstance(node, ast.ClassDef):
            methods = sum(isinstance(member, FUNCTIONS) for member in node.body)
            if methods > METHODS and file.layer:
                yield f"line {node.lineno}: {node.name} has {methods} methods"


def _faults_of(function: ast.FunctionDef | ast.AsyncFunctionDef, *, tests: bool) -> Iterator[str]:
    length = (function.end_lineno or function.lineno) - function.lineno + 1
    if length > FUNCTION_LINES:
        yield f"{length} lines"
    if (depth := _depth(function.body)) > NESTING:
        yield f"{depth} levels"
    arguments = function.args
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    count = sum(name not in ("self", "cls") for name in names)
    if count > PARAMETERS and not tests:  # there, fixtures are asked for by parameters
        yield f"{count} parameters"


RULES: tuple[Callable[[File], Iterator[str]], ...] = (
    imports_go_one_way,
    imports_are_absolute,
    mitmproxy_stays_at_the_edge,
    the_environment_is_read_in_one_place,
    provider_words_live_in_wire,
    errors_are_caught_by_name,
    names_say_what_a_thing_does,
    nothing_is_unfinished,
    every_test_runs_the_real_thing,
    sizes_stay_small,
)
FOLDERS = ("addon", "compressors", "tests", "scripts")
SOURCES = sorted(
    str(path.relative_to(ROOT).as_posix())
    for path in (*ROOT.glob("*.py"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")))
)


@functools.cache
def read(path: str) -> File:
    return File(path, (ROOT / path).read_text(encoding="utf-8"))


def test_the_package_is_looked_at() -> None:
    """The tables below are about something."""
    assert {"addon/segments.py", "compressors/base.py", "tests/test_architecture.py"} <= set(SOURCES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_file_keeps_the_rule(rule: Callable[[File], Iterator[str]]) -> None:
    breaches = [f"{path}: {fault}" for path in SOURCES for fault in rule(read(path))]
    assert not breaches, "\n".join(["", *breaches])


def test_all_is_caught_in_few_files() -> None:
    """Fail open is decided by the router and the outermost hooks, nowhere else."""
    files = [read(path) for path in SOURCES if path.startswith(("addon/", "compressors/"))]
    catching = {file.path for file in files if any(_catches_all(node) for node in file.nodes)}
    assert len(catching) <= CATCH_ALL_FILES, catching


def _nested(levels: int) -> str:
    blocks = "".join(f"{'    ' * level}if x:\n" for level in range(1, levels + 1))
    return f"def f(x):\n{blocks}{'    ' * (levels + 1)}pass\n"


def _class(methods: int) -> str:
    return "class C:\n" + "".join(f"    def m{number}(self): ...\n" for number in range(methods))


CHAIN = "def f(x):\n    if x:\n        pass\n" + "    elif x:\n        pass\n" * 9
BAD: tuple[tuple[Callable[[File], Iterator[str]], str, str], ...] = (
    (imports_go_one_way, "compressors/a.py", "from headroom_mitm import segments"),
    (imports_go_one_way, "compressors/a.py", "import headroom_mitm.store.base"),
    (imports_go_one_way, "addon/segments.py", "from headroom_mitm.tokens import count"),
    (imports_go_one_way, "addon/wire/a.py", "def f():\n    from headroom_mitm.store.base import Store"),
    (imports_go_one_way, "addon/aligner.py", "from headroom_mitm import pipeline"),
    (imports_go_one_way, "addon/pipeline.py", "from headroom_mitm.plugin import Headroom"),
    (imports_go_one_way, "addon/nowhere.py", "import os"),
    (imports_are_absolute, "addon/wire/a.py", "from . import base"),
    (mitmproxy_stays_at_the_edge, "addon/pipeline.py", "from mitmproxy import http"),
    (mitmproxy_stays_at_the_edge, "addon/roundtrip/answer.py", "import mitmproxy.http"),
    (the_environment_is_read_in_one_place, "addon/store/a.py", "import os\nos.environ['X']"),
    (the_environment_is_read_in_one_place, "addon/store/a.py", "from os import getenv"),
    (provider_words_live_in_wire, "addon/aligner.py", "x = 'tool_use'"),
    (provider_words_live_in_wire, "addon/roundtrip/a.py", "x = f'event: message_start {1}'"),
    (provider_words_live_in_wire, "compressors/a.py", "x = b'\"functionCall\"'"),
    (errors_are_caught_by_name, "addon/store/a.py", "try: pass\nexcept Exception: pass"),
    (errors_are_caught_by_name, "addon/store/a.py", "try: pass\nexcept (OSError, BaseException): pass"),
    (errors_are_caught_by_name, "compressors/a.py", "try: pass\nexcept: pass"),
    (errors_are_caught_by_name, "compressors/a.py", "with contextlib.suppress(Exception): pass"),
    (names_say_what_a_thing_does, "addon/wire/utils.py", ""),
    (names_say_what_a_thing_does, "tests/e2e/test_sse_helpers.py", ""),
    (names_say_what_a_thing_does, "addon/router.py", "class StoreManager: ..."),
    (nothing_is_unfinished, "addon/router.py", "x = 1  # " + "TO" + "DO: later"),
    (every_test_runs_the_real_thing, "tests/test_a.py", "@pytest.mark.skip\ndef test(): ..."),
    (every_test_runs_the_real_thing, "tests/test_a.py", "@pytest.mark.skipif(not REDIS, reason='')\ndef test(): ..."),
    (every_test_runs_the_real_thing, "tests/test_a.py", "from unittest.mock import patch"),
    (sizes_stay_small, "addon/router.py", "\n" * (FILE_LINES + 1)),
    (sizes_stay_small, "tests/test_a.py", "\n" * (TEST_FILE_LINES + 1)),
    (sizes_stay_small, "addon/router.py", "def f():\n" + "    pass\n" * FUNCTION_LINES),
    (sizes_stay_small, "addon/router.py", _nested(NESTING + 1)),
    (sizes_stay_small, "addon/router.py", _class(METHODS + 1)),
    (sizes_stay_small, "addon/router.py", "async def f(a, b, /, c, d, *, e, f, g): ..."),
)
GOOD: tuple[tuple[Callable[[File], Iterator[str]], str, str], ...] = (
    (
        imports_go_one_way,
        "compressors/a.py",
        "from headroom_mitm import tokens\nfrom headroom_mitm.compressors import base",
    ),
    (imports_go_one_way, "addon/plugin.py", "from headroom_mitm import __version__, pipeline"),
    (mitmproxy_stays_at_the_edge, "addon/roundtrip/substream.py", "from mitmproxy import http"),
    (the_environment_is_read_in_one_place, "addon/settings.py", "import os\nos.environ['X']"),
    (provider_words_live_in_wire, "addon/aligner.py", '"""A tool_use is met by its tool_result."""'),
    (provider_words_live_in_wire, "addon/wire/a.py", "x = 'tool_use'"),
    (errors_are_caught_by_name, "addon/store/a.py", "try: pass\nexcept (OSError, ValueError): pass"),
    (names_say_what_a_thing_does, "addon/aligner.py", "def common_prefix(a, b): ..."),
    (nothing_is_unfinished, "addon/router.py", "x = '# TO" + "DO'"),
    (
        every_test_runs_the_real_thing,
        "tests/test_a.py",
        "@pytest.mark.skipif(os.name == 'nt', reason='')\ndef t(): ...",
    ),
    (sizes_stay_small, "addon/router.py", "\n" * FILE_LINES),
    (sizes_stay_small, "addon/router.py", "def f():\n" + "    pass\n" * (FUNCTION_LINES - 1)),
    (sizes_stay_small, "addon/router.py", _nested(NESTING)),
    (sizes_stay_small, "addon/router.py", CHAIN),
    (sizes_stay_small, "addon/router.py", _class(METHODS)),
    (sizes_stay_small, "addon/router.py", "class C:\n    def f(self, a, b, c, d, e, f): ..."),
)


@pytest.mark.parametrize(("rule", "path", "source"), BAD)
def test_a_breach_is_seen(rule: Callable[[File], Iterator[str]], path: str, source: str) -> None:
    assert list(rule(File(path, source)))


@pytest.mark.parametrize(("rule", "path", "source"), GOOD)
def test_what_is_allowed_passes(rule: Callable[[File], Iterator[str]], path: str, source: str) -> None:
    assert not list(rule(File(path, source)))
