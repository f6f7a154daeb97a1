import re

import pytest

from headroom_mitm import hosts
from headroom_mitm.hosts import ANTHROPIC, CHAT, GEMINI, HOSTS, RESPONSES
from headroom_mitm.wire import BY_NAME

VERTEX = "/v1/projects/p/locations/us-east5/publishers"
PROMPTS = [
    ("api.anthropic.com", "/v1/messages", ANTHROPIC),
    ("api.anthropic.com", "/v1/messages?beta=true", ANTHROPIC),
    ("API.Anthropic.com.", "/v1/messages", ANTHROPIC),
    ("api.openai.com", "/v1/chat/completions", CHAT),
    ("api.openai.com", "/v1/responses", RESPONSES),
    ("chatgpt.com", "/backend-api/codex/responses", RESPONSES),
    ("generativelanguage.googleapis.com", "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse", GEMINI),
    ("generativelanguage.googleapis.com", "/v1/models/gemini-2.5-pro:generateContent", GEMINI),
    ("generativelanguage.googleapis.com", "/v1beta/openai/chat/completions", CHAT),
    ("cloudcode-pa.googleapis.com", "/v1internal:streamGenerateContent?alt=sse", GEMINI),
    ("aiplatform.googleapis.com", f"{VERTEX}/google/models/gemini-2.5-pro:generateContent", GEMINI),
    ("aiplatform.googleapis.com", "/v1/publishers/google/models/gemini-2.5-pro:generateContent", GEMINI),
    (
        "us-east5-aiplatform.googleapis.com",
        f"{VERTEX}/anthropic/models/claude-sonnet-4-5@1:streamRawPredict",
        ANTHROPIC,
    ),
    ("aiplatform.eu.rep.googleapis.com", f"{VERTEX}/anthropic/models/claude-opus-4-7:rawPredict", ANTHROPIC),
    ("openrouter.ai", "/api/v1/chat/completions", CHAT),
    ("openrouter.ai", "/api/v1/responses", RESPONSES),
    ("openrouter.ai", "/api/v1/messages", ANTHROPIC),
    ("me.openai.azure.com", "/openai/deployments/gpt-5/chat/completions?api-version=2025-01-01", CHAT),
    ("me.openai.azure.com", "/openai/v1/chat/completions", CHAT),
    ("me.cognitiveservices.azure.com", "/openai/responses?api-version=preview", RESPONSES),
    ("me.services.ai.azure.com", "/openai/v1/responses", RESPONSES),
    ("me.services.ai.azure.com", "/anthropic/v1/messages", ANTHROPIC),
    ("api.groq.com", "/openai/v1/chat/completions", CHAT),
    ("api.mistral.ai", "/v1/chat/completions", CHAT),
    ("api.deepseek.com", "/chat/completions", CHAT),
    ("api.deepseek.com", "/v1/chat/completions", CHAT),
    ("api.deepseek.com", "/anthropic/v1/messages", ANTHROPIC),
    ("api.x.ai", "/v1/chat/completions", CHAT),
    ("api.x.ai", "/v1/responses", RESPONSES),
    ("api.together.xyz", "/v1/chat/completions", CHAT),
    ("api.together.ai", "/v1/chat/completions", CHAT),
    ("api.fireworks.ai", "/inference/v1/chat/completions", CHAT),
    ("api.fireworks.ai", "/inference/v1/messages", ANTHROPIC),
    ("api.githubcopilot.com", "/chat/completions", CHAT),
    ("api.business.githubcopilot.com", "/responses", RESPONSES),
    ("api.individual.githubcopilot.com", "/v1/messages", ANTHROPIC),
]
OTHERS = [
    ("api.anthropic.com", "/v1/messages/count_tokens"),
    ("api.anthropic.com", "/v1/messages/batches"),
    ("api.anthropic.com", "/v1/messages/"),
    ("api.anthropic.com", "/v1/complete"),
    ("api.anthropic.com", "/x/v1/messages"),
    ("api.anthropic.com", "/v1/files?next=/v1/messages"),
    ("api.anthropic.com.evil.example", "/v1/messages"),
    ("evil-api.anthropic.com", "/v1/messages"),
    ("apixanthropic.com", "/v1/messages"),
    ("api.openai.com", "/v1/embeddings"),
    ("api.openai.com", "/v1/responses/resp_1/cancel"),
    ("api.openai.com", "/v1/threads/t/messages"),
    ("chatgpt.com", "/backend-api/conversation"),
    ("chatgpt.com", "/backend-api/codex/responses/compact"),
    ("chatgpt.com", "/v1/responses"),
    ("generativelanguage.googleapis.com", "/v1beta/models/gemini-2.5-pro:countTokens"),
    ("generativelanguage.googleapis.com", "/v1beta/models/gemini-2.5-pro:batchGenerateContent"),
    ("cloudcode-pa.googleapis.com", "/v1internal:loadCodeAssist"),
    ("us-east5-aiplatform.googleapis.com", f"{VERTEX}/anthropic/models/count-tokens:rawPredict"),
    ("us-east5-aiplatform.googleapis.com", f"{VERTEX}/mistralai/models/codestral:rawPredict"),
    ("storage.googleapis.com", "/v1/models/gemini-2.5-pro:generateContent"),
    ("openai.azure.com", "/openai/v1/responses"),
    ("a.b.openai.azure.com", "/openai/v1/responses"),
    ("me.openai.azure.com", "/openai/deployments/ada/embeddings"),
    ("github.com", "/v1/chat/completions"),
    ("localhost", "/v1/chat/completions"),
    ("", "/v1/messages"),
]
WRONG = [
    *("", " ", "*", "a b", "a..b", "-a.example", "a*.example", "https://llm.example", "llm.example/v1"),
    *("llm.example:", "llm.example:x", "llm.example:0", "llm.example:65536", "llm.example=", "llm.example=openai"),
]


@pytest.mark.parametrize(("host", "path", "wire"), PROMPTS, ids=[f"{host}{path}" for host, path, _ in PROMPTS])
def test_prompts_are_told_by_host_and_path(host: str, path: str, wire: str) -> None:
    assert hosts.detect(host, 443, "POST", path) == wire


@pytest.mark.parametrize(("host", "path"), OTHERS, ids=[f"{host}{path}" for host, path in OTHERS])
def test_all_else_is_no_prompt(host: str, path: str) -> None:
    assert hosts.detect(host, 443, "POST", path) is None


@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS", "post"])
def test_only_posts_are_prompts(method: str) -> None:
    assert hosts.detect("api.openai.com", 443, method, "/v1/responses") is None


@pytest.mark.parametrize(
    ("host", "port", "path", "wire"),
    [
        ("localhost", 11434, "/v1/chat/completions", CHAT),
        ("127.0.0.1", 11434, "/v1/responses", RESPONSES),
        ("localhost", 11434, "/v1/messages", ANTHROPIC),
        ("localhost", 11434, "/api/chat", None),
        ("localhost", 8080, "/v1/messages", None),
        ("api.openai.com", 8443, "/v1/responses", None),
    ],
)
def test_the_port_matters(host: str, port: int, path: str, wire: str | None) -> None:
    assert hosts.detect(host, port, "POST", path) == wire


def test_the_table_names_formats_that_exist() -> None:
    assert {row.wire for row in HOSTS} <= BY_NAME.keys()
    assert {row.wire for row in hosts.parse_hosts(["llm.example"])} == BY_NAME.keys()


@pytest.mark.parametrize(
    ("option", "host", "port", "path", "wire"),
    [
        ("llm.example", "llm.example", 443, "/proxy/v1/messages", ANTHROPIC),
        ("llm.example", "llm.example", 80, "/chat/completions", CHAT),
        ("llm.example", "llm.example", 443, "/v1/responses", RESPONSES),
        ("llm.example", "llm.example", 443, "/gemini/v1/models/g:generateContent", GEMINI),
        ("llm.example", "llm.example", 443, "/v1/threads/t/messages", None),
        ("llm.example", "a.llm.example", 443, "/v1/messages", None),
        (" LLM.example ", "llm.EXAMPLE", 443, "/v1/messages", ANTHROPIC),
        ("llm.example:8443", "llm.example", 8443, "/v1/messages", ANTHROPIC),
        ("llm.example:8443", "llm.example", 443, "/v1/messages", None),
        ("llm.example=openai_chat", "llm.example", 443, "/v1/chat/completions", CHAT),
        ("llm.example=openai_chat", "llm.example", 443, "/v1/messages", None),
        ("*.llm.example:443=openai_chat", "a.llm.example", 443, "/x/chat/completions", CHAT),
        ("*.llm.example", "llm.example", 443, "/v1/messages", None),
        ("127.0.0.1:4000", "127.0.0.1", 4000, "/v1/messages", ANTHROPIC),
        ("[::1]:4000", "::1", 4000, "/v1/messages", ANTHROPIC),
        ("localhost", "localhost", 4000, "/v1/messages", ANTHROPIC),
    ],
)
def test_hosts_of_the_user_are_added(option: str, host: str, port: int, path: str, wire: str | None) -> None:
    assert hosts.detect(host, port, "POST", path, hosts.parse_hosts([option])) == wire


@pytest.mark.parametrize(
    "option",
    WRONG,
)
def test_a_wrong_option_is_told_the_right_forms(option: str) -> None:
    with pytest.raises(ValueError, match=re.escape("host:port, *.domain") + ".*openai_chat, openai_responses"):
        hosts.parse_hosts(["good.example", option])


@pytest.mark.parametrize(
    ("place", "allowed"),
    [
        ("api.anthropic.com:443", True),
        ("API.ANTHROPIC.COM:443", True),
        ("api.anthropic.com.:443", True),
        ("me.openai.azure.com:443", True),
        ("localhost:11434", True),
        ("llm.example:1", True),
        ("[::1]:4000", False),
        ("::1:4000", True),
        ("api.anthropic.com:80", False),
        ("api.anthropic.com:4431", False),
        ("api.anthropic.com.evil.example:443", False),
        ("evil-api.anthropic.com:443", False),
        ("apixanthropic.com:443", False),
        ("a.b.openai.azure.com:443", False),
        ("openai.azure.com:443", False),
        ("github.com:443", False),
        ("localhost:443", False),
    ],
)
def test_only_hosts_of_the_table_are_decrypted(place: str, allowed: bool) -> None:
    rows = [*HOSTS, *hosts.parse_hosts(["llm.example", "[::1]:4000"])]
    found = [regex for regex in hosts.allow_hosts_patterns(rows) if re.search(regex, place, re.IGNORECASE)]
    assert bool(found) is allowed


def test_domains_and_addresses_name_each_host_once() -> None:
    rows = hosts.parse_hosts(["llm.example", "*.corp.example", "127.0.0.1:4000", "[::1]", "llm.example:443"])
    assert hosts.domains(rows) == ["llm.example", "corp.example"]
    assert hosts.addresses(rows) == ["127.0.0.1", "::1"]


def test_no_domain_of_the_table_permits_more_than_llm_hosts() -> None:
    """A stolen key of the authority must not be good for all of a cloud provider."""
    assert not {"com", "ai", "googleapis.com", "azure.com", "ai.azure.com", "openai.com"} & set(hosts.domains(HOSTS))


@pytest.mark.parametrize(
    ("path", "model", "streamed"),
    [
        ("/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse", "gemini-2.5-pro", True),
        ("/v1beta/models/gemini-2.5-pro:generateContent?x=/models/y:streamGenerateContent", "gemini-2.5-pro", False),
        (f"{VERTEX}/anthropic/models/claude-sonnet-4-5@1:streamRawPredict", "claude-sonnet-4-5@1", True),
        ("/openai/deployments/gpt-5/chat/completions", "gpt-5", False),
        ("/v1internal:streamGenerateContent", "", True),
        ("/v1/messages", "", False),
    ],
)
def test_a_path_may_name_the_model_and_ask_for_a_stream(path: str, model: str, streamed: bool) -> None:
    assert (hosts.model_in(path), hosts.is_streamed_by(path)) == (model, streamed)


@pytest.mark.parametrize(
    ("host", "takes"),
    [("api.openai.com", True), ("API.OpenAI.com.", True), ("x.openai.azure.com", False), ("chatgpt.com", False)],
)
def test_keys_of_the_cache_go_where_they_are_known(host: str, takes: bool) -> None:
    assert hosts.takes_cache_key(host) is takes


KEPT = {
    "https://api.openai.com/v1/responses/resp_1": "resp_1",
    "https://api.openai.com/v1/responses/resp_1?include=x/y": "resp_1",
    "https://api.openai.com/v1/responses/resp_1/input_items": "resp_1",
    "https://me.openai.azure.com/openai/v1/responses/resp_1": "resp_1",
    "https://api.openai.com/v1/responses": "",
    "https://api.openai.com/v1/responses/": "",
    "https://api.openai.com/v1/responses/resp_1/cancel": "",
    "https://api.openai.com/v1/chat/completions/c1": "",
    "https://api.anthropic.com/v1/responses/resp_1": "",
}


@pytest.mark.parametrize(("url", "answer_id"), KEPT.items(), ids=KEPT)
def test_an_answer_that_is_kept_is_known_by_its_path(url: str, answer_id: str) -> None:
    host, slash, path = url.removeprefix("https://").partition("/")
    assert hosts.answer_named(host, 443, slash + path) == answer_id
