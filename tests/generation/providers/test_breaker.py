"""The circuit breaker of a model server, with a clock that the test sets."""

import pytest

from generation.providers import breaker
from generation.providers.breaker import FAILURES, REST_S, Breaker


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def opened(clock):
    made = Breaker(clock)
    fail(made, FAILURES)
    return made


def fail(made, times):
    for _ in range(times):
        assert made.enter()
        made.failed()


def test_failures_in_a_row_open_it_and_one_fewer_do_not(clock):
    made = Breaker(clock)
    fail(made, FAILURES - 1)
    assert (made.state, made.enter()) == ("closed", True)
    made.failed()
    assert (made.state, made.enter(), made.rest_s) == ("open", False, REST_S)


def test_a_success_between_begins_the_count_anew(clock):
    made = Breaker(clock)
    fail(made, FAILURES - 1)
    made.succeeded()
    fail(made, FAILURES - 1)
    assert made.state == "closed"


def test_it_stays_open_to_the_end_of_its_rest(clock, opened):
    clock.now += REST_S - 0.1
    assert (opened.state, opened.enter()) == ("open", False)
    clock.now += 0.1
    assert (opened.state, opened.rest_s) == ("trying", 0)


def test_one_call_is_let_through_after_the_rest_and_no_second_one(clock, opened):
    clock.now += REST_S
    assert (opened.enter(), opened.enter()) == (True, False)


def test_a_trial_that_succeeds_closes_it(clock, opened):
    clock.now += REST_S
    opened.enter()
    opened.succeeded()
    assert (opened.state, opened.failures, opened.enter(), opened.enter()) == ("closed", 0, True, True)


def test_a_trial_that_fails_opens_it_for_another_rest(clock, opened):
    clock.now += REST_S
    opened.enter()
    opened.failed()
    assert (opened.state, opened.rest_s, opened.enter()) == ("open", REST_S, False)


def test_a_trial_that_was_left_makes_room_for_another(clock, opened):
    clock.now += REST_S
    opened.enter()
    opened.left()
    assert (opened.state, opened.enter()) == ("trying", True)


def test_a_call_from_before_that_fails_during_the_rest_prolongs_it_once(clock, opened):
    """Calls that were out when the circuit opened end while nobody may begin one."""
    clock.now += 10
    opened.failed()
    assert opened.rest_s == REST_S


def test_a_call_from_before_that_is_answered_closes_it(opened):
    opened.succeeded()
    assert opened.state == "closed"


def test_each_server_has_a_circuit_of_its_own_and_all_are_told():
    breaker.forget()
    fail(breaker.breaker_of("b.example:8000"), FAILURES)
    assert breaker.breaker_of("a.example").enter()
    assert breaker.breaker_of("b.example:8000") is breaker.breaker_of("b.example:8000")
    told = [(each.server, each.state, each.failures) for each in breaker.circuits()]
    assert told == [("a.example", "closed", 0), ("b.example:8000", "open", FAILURES)]
    breaker.forget()
    assert breaker.circuits() == []
