"""Which records tell of trouble: what a checker found, what failed, what was answered with an error. None goes."""

from collections.abc import Callable, Iterator

from headroom_mitm.compressors.json_tree import Arr, Embedded, Obj, Value
from headroom_mitm.compressors.log_alarms import is_alarm

_LONGEST = 300  # characters of a field that are looked at
_QUIET_KEYS = frozenset(("description", "body", "text", "content", "summary", "title", "name", "url", "path", "help"))
"""What stands there may speak of errors without there being one."""
_FALSE = (None, False, "", b"0")
_SEVERITIES = frozenset(("severity", "level", "loglevel", "log_level", "priority"))
_CALM = frozenset(
    ("", "trace", "debug", "info", "information", "informational", "notice", "none", "ok", "normal", "off")
)
_CALMEST_NUMBER = 39  # levels of loggers that count: 30 tells, 40 warns
_MOST_SEVERITIES = 9  # of checkers, which count from one; a larger number is a logger's
_SAYS = frozenset(("message", "msg", "text", "title", "description", "reason"))
_RULES = frozenset(
    ("rule", "ruleid", "rule_id", "code", "check", "check_id", "checkid", "symbol", "linter", "fromlinter")
)
_PLACES = frozenset(
    ("line", "row", "column", "col", "location", "locations", "range", "start", "pos", "position", "linenumber")
)
_ANSWERS = frozenset(("status", "statuscode", "status_code", "httpstatus", "http_status", "responsestatus", "code"))
_FIRST_ERROR, _LAST_ERROR = 400, 599
_EXITS = frozenset(("exitcode", "exit_code", "exitstatus", "returncode", "return_code", "rc"))
_GOOD = frozenset(("ok", "success", "successful", "succeeded", "passed", "healthy", "valid", "isvalid"))


class Alarms:
    """Looks at records, at each only once."""

    def __init__(self) -> None:
        self._findings: dict[int, tuple[Value, bool]] = {}
        self._alarms: dict[int, tuple[Value, bool]] = {}

    def tells(self, record: Value) -> bool:
        """Tell whether a record speaks of trouble, or holds a finding of a checker, however deep."""
        if isinstance(record, Arr):
            return any(isinstance(value, str) and is_alarm(value) for value in record.values)
        return isinstance(record, Obj) and (_is_alarm(record) or _holds(record, _is_finding, self._findings))

    def within(self, record: Obj) -> bool:
        """Tell whether a record, or any that it holds, speaks of trouble."""
        return self.tells(record) or _holds(record, _is_alarm, self._alarms)


def _holds(value: Value, is_bad: Callable[[Obj], bool], known: dict[int, tuple[Value, bool]]) -> bool:
    if not isinstance(value, Obj | Arr | Embedded):
        return False
    # Equal values are one and the same, and what is remembered beside its number lives as long as that.
    if id(value) not in known:
        holds = (isinstance(value, Obj) and is_bad(value)) or any(_holds(item, is_bad, known) for item in value.values)
        known[id(value)] = value, holds
    return known[id(value)][1]


def _is_alarm(record: Obj) -> bool:
    for name, value in _fields(record):
        if isinstance(value, str) and name not in _QUIET_KEYS and len(value) <= _LONGEST and is_alarm(value):
            return True
        if ("error" in name or "fail" in name) and value not in _FALSE and getattr(value, "values", True):
            return True
        if _is_bad_answer(name, value) or (name in _SEVERITIES and _is_severe(value) and type(value) is not str):
            return True
    return False


def _is_bad_answer(name: str, value: Value) -> bool:
    if type(value) is bytes:
        number = int(value) if value.isdigit() and len(value) <= 4 else 0
        return (name in _ANSWERS and _FIRST_ERROR <= number <= _LAST_ERROR) or (name in _EXITS and value != b"0")
    return value is False and name in _GOOD


def _is_finding(record: Obj) -> bool:
    """Tell whether a record says what is wrong where, as those of linters, compilers and scanners do."""
    names = {name for name, _ in _fields(record)}
    if names.isdisjoint(_SAYS):
        return False
    is_severe = any(name in _SEVERITIES and _is_severe(value, _MOST_SEVERITIES) for name, value in _fields(record))
    return is_severe or not (names.isdisjoint(_RULES) or names.isdisjoint(_PLACES))


def _is_severe(value: Value, most: int = 0) -> bool:
    """Tell whether something that severe is wrong; numbers up to ``most`` are, and those of loggers that warn."""
    if type(value) is bytes and value.isdigit() and len(value) <= 4:
        return 0 < int(value) <= most or int(value) > _CALMEST_NUMBER
    return isinstance(value, str) and value.lower() not in _CALM


def _fields(record: Obj) -> Iterator[tuple[str, Value]]:
    return ((key.lower(), value) for key, value in zip(record.keys, record.values, strict=True))
