"""What the tests of the rate limiter share."""

import pytest

pytest.register_assert_rewrite("rate_limiter.contract", "rate_limiter.contract_base", "rate_limiter.contract_traces")
