"""What the model server of the tests can do, by the name of the model.

A name is one of PLAIN, or one of WITH_ARGUMENT, `-` and its argument. Then `-once` or `-twice` if later calls for that
name are to be answered well, and `-at-` with the tokens to be sent each second: `silent-once`, `breaks-after-2-at-40`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.support import model_faults as faults
from tests.support import model_refusals as refusals
from tests.support.model_answers import ANSWERS, DEEP, Asked
from tests.support.model_exchange import Exchange, Scenario

_NAME = re.compile(r"(?P<base>.+?)(?:-(?P<times>once|twice))?(?:-at-(?P<rate>[\d.]+))?")
_TIMES = {"once": 1, "twice": 2, None: None}


def says(write: Callable[[Asked], str]) -> Scenario:
    async def scenario(x: Exchange, argument: str) -> None:
        await x.stream(write(x.asked))

    return scenario


PLAIN: Mapping[str, Scenario] = {name: says(write) for name, write in ANSWERS.items()} | {
    # Requests are refused
    "strict": refusals.strict,
    "only-json-object": refusals.refuses("json_schema"),
    "only-prompt": refusals.refuses("json_schema", "json_object"),
    "no-stream-options": refusals.knows_no("stream_options"),
    "no-max-tokens": refusals.knows_no("max_tokens", " Use 'max_completion_tokens' instead."),
    "no-max-completion-tokens": refusals.knows_no("max_completion_tokens"),
    "busy": refusals.busy,
    "no-quota": refusals.no_quota,
    # Nothing comes
    "silent": faults.silent,
    "silent-after-headers": faults.silent_after_headers,
    "silent-after-role": faults.silent_after_role,
    "silent-mid-answer": faults.silent_mid_answer,
    "comments": faults.comments,
    # The answer ends too early, or not as it should
    "ends-early": faults.ends_early,
    "cut-off": faults.cut_off,
    "reset": faults.reset,
    "no-done": faults.no_done,
    "no-finish": faults.no_finish,
    "no-usage": faults.no_usage,
    "length": faults.length,
    "content-filter": faults.content_filter,
    "refusal": faults.refusal,
    "reasoning": faults.reasoning,
    "error-in-stream": faults.error_in_stream,
    # In the middle of a good answer comes what no one expects
    "list-event": faults.midway(b"[1, 2]"),
    "number-event": faults.midway(b"7"),
    "broken-event": faults.midway(b'{"choices": ['),
    "invalid-utf8": faults.midway(faults.completion(b"\xc3\x28\xff")),
    "nan-event": faults.midway(faults.completion(b"", b', "cost": NaN')),
    "deep-event": faults.midway(faults.completion(b"", b', "deep": ' + b"[" * DEEP + b"]" * DEEP)),
    "split-code-points": faults.split_code_points,
    "long-line": faults.long_line,
    "endless-line": faults.endless_line,
}
WITH_ARGUMENT: Mapping[str, Scenario] = {
    "status": refusals.status,
    "html-status": refusals.html_status,
    "only-json-object": refusals.refuses("json_schema"),
    "only-prompt": refusals.refuses("json_schema", "json_object"),
    "no-stream-options": refusals.knows_no("stream_options"),
    "busy-after": refusals.busy_after,
    "busy-until": refusals.busy_until,
    "one-byte-each": faults.one_byte_each,
    "breaks-after": faults.breaks_after,
}


@dataclass(frozen=True, slots=True)
class Played:
    """`times` is how many calls it is for, None for all; `tokens_per_s` is None where the name sets no rate."""

    scenario: Scenario
    argument: str
    times: int | None
    tokens_per_s: float | None


def named(model: str) -> Played | None:
    """What a model of this name does; None when there is none."""
    match = _NAME.fullmatch(model)
    if match is None:
        return None
    times, rate = _TIMES[match["times"]], float(match["rate"]) if match["rate"] else None
    if match["base"] in PLAIN:
        return Played(PLAIN[match["base"]], "", times, rate)
    for name, scenario in WITH_ARGUMENT.items():
        argument = match["base"].removeprefix(f"{name}-")
        if argument != match["base"]:
            return Played(scenario, argument, times, rate)
    return None
