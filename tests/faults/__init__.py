import pytest

# Their asserts are the tests', and should show what they compared.
pytest.register_assert_rewrite("tests.faults.asgi", "tests.faults.invariants")
