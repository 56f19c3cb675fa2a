"""What a server says of waiting is kept within bounds, and no message repeats a secret."""

from datetime import UTC, datetime

import pytest

from harness.models.server_connection import LONGEST_WAIT, Connection, seconds_of

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        (None, None),
        ("2", 2),
        ("0.5", 0.5),
        ("-3", 0),
        ("1e300", LONGEST_WAIT),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("", None),
        ("Fri, 01 May 2026 12:00:07 GMT", 7),
        ("Fri, 01 May 2026 11:00:00 GMT", 0),
        ("Fri, 01 May 2099 11:00:00 GMT", LONGEST_WAIT),
        ("Fri, 99 May 2026 11:00:00 GMT", None),
    ],
)
def test_the_time_to_wait_is_within_bounds_whatever_the_server_says(retry_after, seconds):
    assert seconds_of(retry_after, NOW) == seconds


SECRETS = [
    "my-own-secret",
    "Bearer abc.def.ghi",
    "Authorization: Basic dXNlcjpwYXNz",
    "api_key=0a1b2c3d",
    '"api-key": "0a1b2c3d"',
    "sk-proj-abc_def-123456",
    "hf_abcdefghijk",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    "0123456789abcdef0123456789abcdef",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_blanked(secret):
    told = Connection(None, "server", "my-own-secret").without_secrets(f"The key {secret} is\nnot known")
    assert "…" in told
    assert "is not known" in told
    assert not any(part in told for part in secret.replace("Bearer ", "").replace("Basic ", "").split()[-1:])


@pytest.mark.parametrize(
    "reason",
    [
        "max_tokens must be at most 4096, and temperature at least 0",
        "The model 'meta-llama/Llama-3.1-8B-Instruct' does not exist",
        "Unsupported parameter: use max_completion_tokens instead",
        "This model's maximum context length is 2048 tokens",
    ],
)
def test_an_ordinary_reason_stays_as_it_is(reason):
    assert Connection(None, "server", None).without_secrets(reason) == reason
    assert len(Connection(None, "server", None).without_secrets(reason * 100)) < 410
