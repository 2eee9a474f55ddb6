from __future__ import annotations

import pytest

from chiplog.integrations.context.scrubbing import scrub, scrub_url

SECRET = "hunter2-Xy9"


@pytest.mark.parametrize(
    "line",
    [
        f'password = "{SECRET}"',
        f"+    DB_PASSWORD: str = '{SECRET}'",
        f'{{"api_key": "{SECRET}"}}',
        f'client(api-key="{SECRET}", retries=3)',
        f'os.environ["AWS_SECRET_ACCESS_KEY"] = "{SECRET}"',
        f'os.getenv("MY_TOKEN", "{SECRET}")',
        f'run --auth-token "{SECRET}"',
        f'"source": ["password = \\"{SECRET}\\"\\n"]',
        f"url = 'https://user:{SECRET}@host/path'",
        f"redis://:{SECRET}@host:6379/0",
        f"headers = {{'Authorization': 'Basic {SECRET}'}}",
        f"curl -H 'Authorization: Bearer {SECRET}0123456789'",
        f"f(PWD='{SECRET}')",
        f"db_password = '''{SECRET}'''",
        f'db_password="""{SECRET}"""',
        f"dial('Server=db;Uid=me;Pwd={SECRET};')",
    ],
)
def test_a_literal_named_as_a_secret_is_scrubbed(line: str) -> None:
    assert SECRET not in scrub(line)
    assert "<scrubbed>" in scrub(line)


@pytest.mark.parametrize(
    "token",
    [
        "AKIA" + "ABCDEFGH12345678",
        "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345",
        "github_pat_" + "11ABCDEFG0123456789_abcdefghij",
        "glpat-" + "abcdefghij0123456789",
        "hf_" + "abcdefghijklmnopqrstuvwxyz01234567",
        "sk-" + "proj-abcdefghijklmnop0123456789",
        "xoxb-" + "123456789012-abcdefghij",
        "AIza" + "SyA0123456789abcdefghijklmnopqrstuv",
        "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0." + "abc-DEF_123",
        "dapi" + "0123456789abcdef" * 2,
        "npm_" + "abcdefghij0123456789",
    ],
)
def test_a_token_of_a_known_shape_is_scrubbed_wherever_it_stands(token: str) -> None:
    assert scrub(f"x = f('{token}')  # {token}") == "x = f('<scrubbed>')  # <scrubbed>"


def test_the_key_in_a_connection_string_is_scrubbed() -> None:
    line = "blob = 'AccountName=x;AccountKey=abcd+1234/abcd1234==;EndpointSuffix=core.example'"
    kept = "blob = 'AccountName=x;AccountKey=<scrubbed>;EndpointSuffix=core.example'"
    assert scrub(line) == kept


@pytest.mark.parametrize(
    "line",
    [
        f"+password: {SECRET}",
        f"+  - token: {SECRET} # comment",
        f"+export API_KEY={SECRET}",
        f" secret-key = {SECRET}",
        f"ENV DB_PASSWORD={SECRET}",
    ],
)
def test_in_settings_a_secret_needs_no_quotes(line: str) -> None:
    assert SECRET not in scrub(line, settings=True)


@pytest.mark.parametrize(
    "line",
    [
        "token = load_token()",
        "tokenizer = AutoTokenizer.from_pretrained('bert-base-uncased')",
        "model_tokenizer: str = 'bert-base'",
        'raise ValueError("the password is wrong")',
        "password = getpass.getpass()",
        "https://example.com/a?b=c",
        "git@github.com:x/y.git",
        "words = 'landscape'; wordsnap = 'x'",
        "@@ -1,3 +1,3 @@",
    ],
)
def test_code_without_a_secret_stays_as_it_is(line: str) -> None:
    assert scrub(line) == line


@pytest.mark.parametrize("line", ["max_tokens: 512", "token: null", "api_key: ${API_KEY}", "a: b"])
def test_settings_without_a_secret_stay_as_they_are(line: str) -> None:
    assert scrub(line, settings=True) == line


def test_a_private_key_is_scrubbed_line_by_line() -> None:
    text = (
        "+a\n+-----BEGIN RSA PRIVATE KEY-----\n+MIIE\n+oAIB\n+-----END RSA PRIVATE KEY-----\n+b\n"
    )
    assert scrub(text).count("\n") == text.count("\n")
    assert scrub(text).startswith("+a\n+<scrubbed>\n+<scrubbed>\n")
    assert scrub(text).endswith("+b\n")
    assert "MII" not in scrub("-----BEGIN PRIVATE KEY-----\nMIIE and then the text was cut")


def test_every_line_of_a_long_text_is_looked_at() -> None:
    text = "".join(
        f'password = "{SECRET}"\nfiller {"x" * (number % 97)}\n' for number in range(2000)
    )
    scrubbed = scrub(text)
    assert SECRET not in scrubbed
    assert scrubbed.count("<scrubbed>") == 2000
    assert scrub("plain\n" * 5000) == "plain\n" * 5000


def test_an_address_loses_its_password_and_query_alone() -> None:
    assert scrub_url("https://a:b@host:8443/x/y?token=z#part") == "https://host:8443/x/y"
    assert scrub_url("ssh://git:b@host/x") == "ssh://git@host/x"
    assert scrub_url("http://[broken@host") == "<scrubbed>"
    assert scrub_url("git@host:x.git") == "git@host:x.git"
    assert scrub_url("just a job name") == "just a job name"
