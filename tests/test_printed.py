"""What mitmdump prints: whatever is a credential is left out, and nothing else."""

import io

import pytest
from mitmproxy.addons import dumper
from mitmproxy.test import taddons

from headroom_mitm.printed import Printed, Redacting, redacted

BLUE, PLAIN = "\x1b[34m", "\x1b[0m"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET https://a.b/v1:go?key=AIza-x_1 HTTP/2.0", "GET https://a.b/v1:go?key=… HTTP/2.0"),
        ("GET https://a.b/v1:go?alt=sse&key=AIza&x=1", "GET https://a.b/v1:go?alt=sse&key=…&x=1"),
        ("GET \x1b[1mhttps://a.b/?KEY=AIza\x1b[0m", "GET \x1b[1mhttps://a.b/?KEY=…\x1b[0m"),
        ("https://a.b/?api_key=1&api-key=2&access_token=3", "https://a.b/?api_key=…&api-key=…&access_token=…"),
        ("    x-api-key: sk-ant-1", "    x-api-key: …"),
        (f"    {BLUE}Authorization{PLAIN}: Bearer sk", f"    {BLUE}Authorization{PLAIN}: …"),
        ("    Proxy-Authorization: Basic YW5u\n    cookie: a=1; b=2", "    Proxy-Authorization: …\n    cookie: …"),
        ("    x-goog-api-key: AIza\n    Set-Cookie: s=2", "    x-goog-api-key: …\n    Set-Cookie: …"),
        ("    api-key: 1", "    api-key: …"),
        ("GET https://a.b/keys?monkey=1&keyword=x", "GET https://a.b/keys?monkey=1&keyword=x"),
        ("    content-type: text/plain; key=value", "    content-type: text/plain; key=value"),
        ("the header x-api-key: is set", "the header x-api-key: is set"),
    ],
    ids=range(12),
)
def test_credentials_are_left_out(text: str, expected: str) -> None:
    assert redacted(text) == expected


def test_the_printer_prints_through_it_and_gets_its_file_back() -> None:
    file, printed = io.StringIO(), Printed()
    printer = dumper.Dumper(file)
    with taddons.context(printer):
        printed.running()
        printed.running()
        printer.echo("https://a.b/?key=AIza")
        assert file.getvalue() == "https://a.b/?key=…\n"
        assert isinstance(printer.outfp, Redacting)
        printer.outfp.flush()
        printed.done()
        assert printer.outfp is file


def test_another_printer_is_left_alone() -> None:
    """mitmproxy's own windows print nothing, and their addon of that name may be without a file."""
    printer = dumper.Dumper()
    with taddons.context(printer):
        del printer.outfp
        Printed().running()
        Printed().done()
        assert not hasattr(printer, "outfp")
