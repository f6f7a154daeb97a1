"""What goes wrong on purpose is named where code is left out: with its lines, verbatim."""

import pytest

from headroom_mitm.compressors.source_alarms import goes_wrong, named

WRONG = (
    'raise ValueError(f"no {name}")',
    "raise",
    "throw new Error(message);",
    "if (!found) throw new NotFound();",
    'default: throw new AssertionError("scope");',
    "return Err(Error::Closed);",
    'return nil, fmt.Errorf("read %s: %w", path, err)',
    "return err",
    'panic("unreachable")',
    'panic!("no such shard")',
    'let value = other.unwrap_or_else(|| panic!("none"));',
    "reject(new TypeError('x'));",
    'guard let url else { fatalError("no url") }',
    "val found = map[key] ?: throw NoSuchElementException()",
    "sys.exit(2)",
    'raise ArgumentError, "no" unless valid?',
    '[ -f "$1" ] || exit 2',
    'or die("cannot open");',
    "return -EINVAL;",
)
RIGHT = (
    "# raise ValueError later",
    "// throw new Error(x)",
    "raised = True",
    "throws IOException {",
    "return error_count",
    "return value;",
    "self.raise_on_error()",
    "exit_code = 0",
    "logger.error('failed')",
)


@pytest.mark.parametrize("line", WRONG)
def test_a_line_that_gives_up_goes_wrong(line: str) -> None:
    assert goes_wrong(line)


@pytest.mark.parametrize("line", RIGHT)
def test_other_lines_do_not(line: str) -> None:
    assert not goes_wrong(line)


def test_equal_lines_are_named_once_and_a_message_with_its_line() -> None:
    lines = [
        "def f():",
        "    return nil, err",
        "    x = 1",
        "    raise ValueError(",
        '        "no"',
        "    return nil, err",
    ]
    assert named(lines, range(1, 6)) == '2, 6 return nil, err | 4 raise ValueError( | 5 "no"'
    assert named(lines, range(2, 3)) == ""
