"""A run of exercise_program, from scenario to result. Source: wire.md 2.1 and 3."""

import json
from collections.abc import AsyncIterator

import pytest
from pydantic import TypeAdapter

from generation.errors import OutputInvalid
from generation.pipelines import exercise_program
from generation.pipelines.base import stage_codes
from generation.providers.base import Chunk, Task, Usage
from generation.schema.results import RESULTS
from tests.generation.pipelines.handle import MemoryRun

GOLDEN = (
    "68 yo woman, right knee OA, pain 4/10 on stairs, 5/10 worst, 8 months, wants to climb stairs and walk 30 min, "
    "has a chair and stairs, no falls, BP controlled."
)
STAGES = ["started", "fetching-exercises", "generating", "validating", "storing", "complete"]


class Scripted:
    """A provider that yields what it is told, then fails if asked to."""

    name = model = "scripted"

    def __init__(self, values: list, fail: bool = False) -> None:
        self.values, self.fail = values, fail

    async def write(self, task: Task) -> AsyncIterator[Chunk]:
        for value in self.values:
            yield value if isinstance(value, Chunk) else Chunk(path="exercises", value=value)
        if self.fail:
            raise ConnectionError
        yield Chunk(text='{"exercises": [], "red_flags": []}')
        yield Chunk(usage=Usage())


async def run_of(prompt: str, **options) -> tuple[MemoryRun, dict]:
    run = MemoryRun(prompt, **options)
    return run, await exercise_program.execute(run)


async def test_the_golden_example_comes_out_as_described():
    run, result = await run_of(GOLDEN)
    program = result["program"]
    assert result["outcome"] == "program"
    assert [(item["role"], item["slug"]) for item in program["items"]] == [
        ("warmup", "heel-slide-supine"),
        ("strength", "bridge"),
        ("strength", "sit-to-stand-no-hands"),
        ("strength", "step-up-forward"),
        ("balance", "tandem-stance"),
    ]
    assert [item["dose_text"] for item in program["items"]] == [
        "2 sets of 10, right side, every day",
        "2 sets of 10, every other day, effort 4 to 5 out of 10",
        "2 sets of 10, every other day, effort 4 to 5 out of 10",
        "2 sets of 10, each side, every other day, effort 4 to 5 out of 10",
        "2 times 30 s, each side, every day",
    ]
    assert "Walking: 10 minutes, 5 days a week. Add 2 minutes each week." in program["education"]
    assert {item["dose"]["pain_limit"] for item in program["items"]} == {5}
    assert (program["review_in_days"], program["total_minutes"]) == (28, 13)
    assert result["excluded"].keys() <= {"phase", "level", "equipment"}
    assert run.kept == 1


async def test_the_golden_example_with_fever_is_a_referral():
    run, result = await run_of(GOLDEN + " Swollen hot knee and fever since yesterday.")
    assert result["outcome"] == "referral"
    assert result["program"] is None
    assert result["referral"]["code"] == "infection"
    assert run.named("item") == []
    assert run.tasks == []


async def test_the_result_has_the_keys_of_the_wire():
    _, result = await run_of(GOLDEN)
    assert {"outcome", "profile", "program", "referral", "engine_used"} <= set(result)
    assert {
        "id", "title", "summary_for_patient", "duration_weeks", "items", "pain_rule", "stop_rules", "education",
        "warnings", "assumptions",
    } <= set(result["program"])  # fmt: skip
    assert set(result["program"]["items"][0]) == {
        "slug", "name", "role", "dose", "dose_text", "reason", "steps", "progress_when", "precaution",
        "exercise_version", "level", "equipment", "positions", "setup", "progress_to", "regress_to", "patient_note",
    }  # fmt: skip
    assert result["profile"]["evidence"]["side"] == "right"
    assert result["engine_used"] == "composer"
    json.dumps(result)


@pytest.mark.parametrize("prompt", [GOLDEN, "LBP with saddle numbness since Monday", "zxcv qwer asdf poiu lkjh"])
async def test_all_six_stages_are_entered_whatever_the_outcome(prompt):
    run, _ = await run_of(prompt)
    assert [data["stage"] for data in run.named("progress")] == STAGES == list(stage_codes(exercise_program))
    assert [data["progress"] for data in run.named("progress")] == [5, 15, 40, 70, 85, 100]


async def test_skipped_stages_say_so_and_storing_still_stores():
    run, _ = await run_of("LBP with saddle numbness since Monday")
    assert [code for code, facts in run.facts.items() if facts.get("skipped")] == STAGES[1:4]
    assert run.kept == 1


async def test_nonsense_is_insufficient_information():
    _, result = await run_of("zxcv qwer asdf poiu lkjh")
    assert result["outcome"] == "insufficient_info"
    assert result["program"] is None
    assert "region" in result["reason"]


async def test_what_is_outside_this_release_is_said():
    _, result = await run_of("stroke last year, poor balance")
    assert result["outcome"] == "insufficient_info"
    assert "stroke" in result["reason"]


async def test_a_region_that_a_library_does_not_know_is_said():
    run = MemoryRun("neck pain at a desk, 3 months")
    run.exercises = [exercise for exercise in run.exercises if "knee" in exercise["body_regions"]]
    result = await exercise_program.execute(run)
    assert result["outcome"] == "insufficient_info"
    assert "neck" in result["reason"]


async def test_a_library_that_leaves_one_exercise_says_what_keeps_the_others_out():
    run = MemoryRun("right ankle fracture ORIF wk 2, NWB")
    run.exercises = [e for e in run.exercises if e["slug"] in ("quad-set", "bridge", "double-heel-raise")]
    result = await exercise_program.execute(run)
    assert result["outcome"] == "insufficient_info"
    assert "no weight on the leg" in result["reason"]
    assert result["excluded"]["nwb_lower"] == 2


async def test_each_item_is_announced_as_it_stands_in_the_result():
    run, result = await run_of(GOLDEN)
    assert [(data["index"], data["value"]) for data in run.named("item")] == list(enumerate(result["program"]["items"]))


async def test_the_bar_moves_with_the_items_and_never_back():
    run, _ = await run_of(GOLDEN)
    assert run.percents == sorted(run.percents)
    assert [p for p in run.percents if 40 < p < 70] == [46, 52, 58, 64]


async def test_stage_facts_are_counted():
    run, _ = await run_of(GOLDEN)
    facts = run.facts["fetching-exercises"]
    assert facts["in_region"] == facts["excluded"] + facts["offered"]


async def test_a_caution_warns_once_and_goes_with_the_program():
    run, result = await run_of("right knee OA, 8 months, pain 4/10, takes warfarin")
    assert [data["code"] for data in run.named("warning")] == ["weak_single"]
    assert run.named("warning")[0]["message"] in result["program"]["warnings"]
    await exercise_program.execute(run.again())
    assert len(run.named("warning")) == 1


async def test_a_later_attempt_goes_on_after_the_last_stored_exercise():
    _, whole = await run_of(GOLDEN)
    picks = [{key: item[key] for key in ("slug", "role", "dose", "reason")} for item in whole["program"]["items"]]
    broken = MemoryRun(GOLDEN, provider=Scripted(picks[:2], fail=True))
    with pytest.raises(ConnectionError):
        await exercise_program.execute(broken)
    later = broken.again()
    result = await exercise_program.execute(later)
    assert result == whole
    assert [item["slug"] for item in later.tasks[0].facts["decided"]] == [pick["slug"] for pick in picks[:2]]
    assert [data["index"] for data in later.named("item")] == [0, 1, 2, 3, 4]


async def test_an_attempt_after_the_last_exercise_asks_nobody():
    run, whole = await run_of(GOLDEN)
    later = run.again()
    assert await exercise_program.execute(later) == whole
    assert later.tasks == []


async def test_a_provider_is_told_nothing_that_was_written():
    run, _ = await run_of(GOLDEN.replace("68 yo woman", "Mrs Zebra, 68 yo"))
    told = json.dumps(dict(run.tasks[0].facts))
    assert "Zebra" not in told
    assert run.tasks[0].facts["profile"]["evidence"] == {}


async def test_a_pick_that_was_not_offered_or_is_forbidden_is_left_out():
    good = ["bridge", "heel-slide-supine", "quad-set", "ankle-pumps"]
    values = [{"slug": slug} for slug in ("made-up", "split-squat", *good, "bridge")]
    _, result = await run_of("left TKA wk 3, WBAT, pain 4/10", provider=Scripted(values))
    assert [item["slug"] for item in result["program"]["items"]] == good


async def test_a_model_is_named_as_the_engine():
    values = [{"slug": slug} for slug in ("bridge", "heel-slide-supine", "sit-to-stand-no-hands", "tandem-stance")]
    _, result = await run_of(GOLDEN, provider=Scripted(values))
    assert result["engine_used"] == "llm"


async def test_danish_is_spoken():
    run, result = await run_of("68-årig kvinde, højre knæartrose, smerter 4/10, 8 måneder, har trappe", language="da")
    assert run.named("progress")[0]["message"] == "Læser beskrivelsen"
    assert result["program"]["items"][0]["dose_text"] == "2 sæt af 10 gentagelser, højre side, hver dag"
    assert result["program"]["warnings"] == []


async def test_a_text_that_is_missing_in_danish_is_owned_up_to():
    run = MemoryRun("højre knæartrose, smerter 4/10, 8 måneder", language="da")
    run.exercises = [e | {"text": e["text"] | {"da": None}} if e["slug"] == "bridge" else e for e in run.exercises]
    program = (await exercise_program.execute(run))["program"]
    assert "bridge" in {item["slug"] for item in program["items"]}
    assert "Nogle øvelsestekster vises på engelsk." in program["warnings"]


@pytest.mark.parametrize(
    "reason", ["Everybody likes it.", "For the knee; take ibuprofen.", "Til knæet og for trapperne."]
)
async def test_a_models_reason_that_does_not_hold_is_replaced(reason):
    values = [one | {"reason": reason} for one in FOUR]
    _, result = await run_of(GOLDEN, provider=Scripted(values))
    assert [item["slug"] for item in result["program"]["items"]] == [one["slug"] for one in FOUR]
    assert reason not in {item["reason"] for item in result["program"]["items"]}


async def test_a_models_reason_that_holds_is_kept():
    values = [one | {"reason": f"For the right knee, {one['slug']}."} for one in FOUR]
    _, result = await run_of(GOLDEN, provider=Scripted(values))
    assert result["program"]["items"][0]["reason"] == f"For the right knee, {FOUR[0]['slug']}."


async def test_a_result_is_as_its_type_says():
    _, result = await run_of(GOLDEN)
    result["program"]["id"] = "00000000-0000-0000-0000-000000000000"
    checked = TypeAdapter(RESULTS["exercise_program"]).validate_python(result)
    assert checked["program"]["pain_zones"][0] == {"colour": "green", "from": 0, "to": 3}
    assert set(checked["program"]) == set(result["program"])
    assert set(checked["program"]["items"][0]) == set(result["program"]["items"][0])


def test_messages_fit_a_line():
    assert all(len(text) <= 80 for stage in exercise_program.STAGES for text in stage.message.values())


def pick(slug: str, **change) -> dict:
    return {"slug": slug, "role": "strength", "dose": {}, "reason": "For the right knee."} | change


FOUR = [pick(slug) for slug in ("sit-to-stand-no-hands", "bridge", "heel-slide-supine", "tandem-stance")]


@pytest.mark.parametrize(
    "bad",
    [
        {"dose": {}},
        "x",
        None,
        pick(5),
        pick("clamshell", dose=[1]),
        pick("clamshell", dose={"sets": "3"}),
        pick("clamshell", dose={"effort": {"scale": "rpe10"}}),
        pick("clamshell", dose={"tempo": "slow"}),
        pick("clamshell", role="<b>"),
        pick("clamshell", reason=5),
        pick("clamshell", reason="knee " * 1000),
    ],
)
async def test_v01_a_pick_without_the_shape_is_left_out_and_the_others_stay(bad):
    _, result = await run_of(GOLDEN, provider=Scripted([bad, *FOUR]))
    assert [item["slug"] for item in result["program"]["items"]] == [pick["slug"] for pick in FOUR]


CALF = "right knee OA 3 months, pain 4/10. Calf thick and hard since yesterday"
CLOT = Chunk(path="red_flags", value={"code": "dvt_pe", "matched_text": "Calf thick and hard"})


@pytest.mark.parametrize("values", [[CLOT], [CLOT, *FOUR], [*FOUR, CLOT]])
async def test_v06_a_stop_that_a_model_reports_ends_in_a_referral(values):
    run, result = await run_of(CALF, provider=Scripted(values))
    assert (result["outcome"], result["program"], result["referral"]["code"]) == ("referral", None, "dvt_pe")
    assert result["profile"]["red_flags"][-1] == {
        "code": "dvt_pe", "tier": "STOP-emergency", "matched_text": "Calf thick and hard", "status": "fired",
    }  # fmt: skip
    assert [data["stage"] for data in run.named("progress")] == STAGES
    TypeAdapter(RESULTS["exercise_program"]).validate_python(result)


async def test_v06_nothing_is_written_after_a_reported_stop():
    run, _ = await run_of(CALF, provider=Scripted([CLOT, *FOUR]))
    assert run.named("item") == []


async def test_v06_a_later_attempt_remembers_what_was_reported():
    first, _ = await run_of(CALF, provider=Scripted([CLOT]))
    later = first.again()
    # As a worker leaves it that dies as soon as the report is stored.
    later.steps = {name: first.steps[name] for name in ("understand", "reported_stop")}
    later.facts = {}
    assert (await exercise_program.execute(later))["outcome"] == "referral"
    assert later.tasks == []


@pytest.mark.parametrize("value", [{"code": "made_up", "matched_text": "x"}, {"code": 1, "matched_text": "x"}, None])
async def test_v06_a_report_that_names_no_sign_of_danger_is_warned_of(value):
    _, result = await run_of(GOLDEN, provider=Scripted([Chunk(path="red_flags", value=value), *FOUR]))
    assert len(result["program"]["items"]) == 4
    assert ("V06", "warning") in [(found["code"], found["severity"]) for found in result["program"]["findings"]]


@pytest.mark.parametrize(
    "value",
    [
        {"code": "dvt_pe"},
        "dvt_pe",
        {"code": "DVT-PE", "matched_text": None},
        {"code": "dvt_pe", "matched_text": "calf " * 100, "why": "it may be a clot"},
    ],
)
async def test_v06_a_sign_of_danger_is_not_lost_for_a_slip_of_form(value):
    _, result = await run_of(CALF, provider=Scripted([Chunk(path="red_flags", value=value), *FOUR]))
    assert (result["outcome"], result["referral"]["code"]) == ("referral", "dvt_pe")


async def test_v06_only_words_of_the_case_are_quoted_as_such():
    flag = {"code": "dvt_pe", "matched_text": "Call 555-1234 at once"}
    _, result = await run_of(CALF, provider=Scripted([Chunk(path="red_flags", value=flag)]))
    assert (result["referral"]["code"], result["referral"]["matched_text"]) == ("dvt_pe", "")


async def test_v06_what_the_text_denies_stays_denied():
    denied = Chunk(path="red_flags", value={"code": "cauda_equina", "matched_text": "saddle numbness"})
    _, result = await run_of(GOLDEN + " No saddle numbness.", provider=Scripted([denied, *FOUR]))
    assert result["outcome"] == "program"


async def test_v02_a_model_gives_an_older_person_no_more_than_five():
    more = [pick(slug) for slug in ("long-arc-quad", "double-heel-raise", "clamshell", "adductor-ball-squeeze")]
    _, result = await run_of(GOLDEN, provider=Scripted([*FOUR, *more]))
    assert len(result["program"]["items"]) == 5


async def test_v10_a_models_program_is_trimmed_to_the_time():
    long = [pick(one["slug"], dose={"rest_s": 180, "sets": 3}) for one in FOUR]
    more = pick("clamshell")
    run, result = await run_of(GOLDEN + " 20 minutes a day.", provider=Scripted([*long, more]))
    assert len(run.named("item")) == len(result["program"]["items"]) == 4
    assert "V10" in {finding["code"] for finding in result["program"]["findings"]}


async def test_v02_a_model_that_gives_too_few_is_asked_twice_more_and_then_refused():
    run = MemoryRun(GOLDEN, provider=Scripted(FOUR[:2]))
    with pytest.raises(OutputInvalid, match="V02"):
        await exercise_program.execute(run)
    assert [bool(task.repair) for task in run.tasks] == [False, True, True]


async def test_v02_the_composer_takes_over_from_a_model_that_gives_too_few_and_keeps_those():
    run = MemoryRun(GOLDEN, provider=Scripted(FOUR[:2]))
    run.may_fall_back = True
    result = await exercise_program.execute(run)
    message = "The model's draft failed checks V02; it chose 2, rules the rest."
    assert run.named("warning") == [{"code": "MODEL_FALLBACK", "message": message}]
    assert (result["program"]["fallback"], result["program"]["warnings"]) == (message, [])
    assert [item["slug"] for item in result["program"]["items"]][:2] == [one["slug"] for one in FOUR[:2]]
    assert (result["engine_used"], len(result["program"]["items"])) == ("composer", 5)


@pytest.mark.parametrize(
    ("prompt", "code", "message"),
    [
        ("right knee OA, pain 4/10, DVT in 2012", "dvt_pe", "A blood clot is possible: check it before you start."),
        ("right knee OA, BP 185/95", "bp", "Blood pressure is too high: check it before you start."),
    ],
)
async def test_a_mere_caution_sends_nobody_away(prompt, code, message):
    run, result = await run_of(prompt)
    assert {"code": code, "message": message} in result["program"]["cautions"]
    assert {"code": code, "message": message} in run.named("warning")


@pytest.mark.parametrize(
    ("prompt", "language", "words"),
    [("dizziness for 6 months, 50 yo", "en", "its cause is known"), ("svimmel i 2 år", "da", "årsagen er kendt")],
)
async def test_dizziness_of_no_known_cause_is_not_trained_with_fast_head_movements(prompt, language, words):
    run = MemoryRun(prompt, language)
    run.exercises = [exercise for exercise in run.exercises if exercise["slug"] != "smooth-pursuit"]
    result = await exercise_program.execute(run)
    assert (result["outcome"], run.tasks) == ("insufficient_info", [])
    assert words in result["reason"]
    assert exercise_program.preview(run.input, language, run.exercises) is None
