"""A program as a FHIR R4 Bundle. Source: domain.md 2.6 and the HL7 Physical Activity guide 1.0.0.

FHIR has no sets, repetitions or holds: an exercise's dose goes in one extension and, for people, in a note. The patient
is a logical identifier that leads nowhere outside this server; no name and no record number is exported.

Each resource has an identifier that is the same in every version of the program; its address, and a second identifier
of the plan, are of one version as a draft or as approved. So a receiver can tell what is new and what it replaces.
"""

import uuid
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.utils.html import format_html, format_html_join

from generation.clinical.profile import Profile
from generation.clinical.program import subject as subject_words
from generation.models import Program, ProgramVersion

Resource = dict[str, Any]

GUIDE = "http://hl7.org/fhir/us/physical-activity"
DOSE = "urn:hep-companion:fhir:StructureDefinition:hep-dose"
PHYSICAL_ACTIVITY = {"coding": [{"system": f"{GUIDE}/CodeSystem/pa-temporary-codes", "code": "PhysicalActivity"}]}
ASSESS_PLAN = {
    "coding": [{"system": "http://hl7.org/fhir/us/core/CodeSystem/careplan-category", "code": "assess-plan"}]
}
EXERCISE_THERAPY = {"system": "http://snomed.info/sct", "code": "229065009", "display": "Exercise therapy"}
URI = "urn:ietf:rfc:3986"


def bundle(program: Program, version: ProgramVersion) -> Resource:
    """The version as a collection of a CarePlan, its Goals and a ServiceRequest for each exercise.

    What nobody has approved is exported as `draft` and `proposed`.
    """
    content: Mapping[str, Any] = version.content
    approved = version.approved_at is not None
    began = version.approved_at or version.made_at
    meta = {"versionId": str(version.number), "lastUpdated": began.isoformat(timespec="seconds")}
    frame = {"language": program.language, "subject": patient(program)}
    plan_id = place(program, version, "plan")
    reason = subject_words(Profile.from_dict(content["profile"]), program.language)
    ends = (began + timedelta(weeks=content["duration_weeks"])).date().isoformat()
    goals = {
        place(program, version, f"goal {n}"): goal(wanted, approved)
        | frame
        | {"identifier": [own(program, f"goal {n}")]}
        for n, wanted in enumerate(goals_of(content))
    }
    orders = {
        place(program, version, f"exercise {n}"): order(item, plan_id, goals, reason, content, approved)
        | frame
        | {"performer": [patient(program)], "authoredOn": began.isoformat(timespec="seconds")}
        | {"identifier": [own(program, f"exercise {item['slug']}")]}
        for n, item in enumerate(content["items"])
    }
    plan = {
        "resourceType": "CarePlan",
        "meta": {"profile": [f"{GUIDE}/StructureDefinition/pa-careplan"]},
        "identifier": [own(program, "plan"), {"system": URI, "value": plan_id}],
        **replaced(program, version),
        "text": {"status": "additional", "div": narrative(content, program.language)},
        "status": "active" if approved else "draft",
        "intent": "plan",
        "category": [ASSESS_PLAN, PHYSICAL_ACTIVITY],
        "title": content["title"],
        "description": content["summary_for_patient"],
        "period": {"start": began.date().isoformat(), "end": ends},
        "created": version.made_at.isoformat(timespec="seconds"),
        "goal": [{"reference": goal_id} for goal_id in goals],
        "activity": [{"reference": {"reference": order_id}} for order_id in orders],
        "note": [{"text": line} for line in (content["pain_rule"], *content["education"])],
    } | frame
    entries = {plan_id: plan, **goals, **orders}
    for resource in entries.values():
        resource["meta"] |= meta
    return {
        "resourceType": "Bundle",
        "meta": meta,
        "identifier": {"system": URI, "value": place(program, version, "bundle")},
        "type": "collection",
        "timestamp": began.isoformat(timespec="seconds"),
        "entry": [{"fullUrl": url, "resource": resource} for url, resource in entries.items()],
    }


def place(program: Program, version: ProgramVersion, what: str) -> str:
    """The same for the same version at each export until it is approved, so that a receiver knows what it has."""
    state = "draft" if version.approved_at is None else "approved"
    return f"urn:uuid:{uuid.uuid5(program.pk, f'{version.number} {state} {what}')}"


def own(program: Program, what: str) -> Resource:
    """The identifier of a part of the program in all its versions."""
    return {"system": URI, "value": f"urn:uuid:{uuid.uuid5(program.pk, what)}"}


def replaced(program: Program, version: ProgramVersion) -> Resource:
    """For an approved version, the plan of the one that was approved before it."""
    if version.approved_at is None:
        return {}
    before = program.versions.filter(number__lt=version.number).exclude(approved_at=None).order_by("number").last()
    if before is None:
        return {}
    identifier = {"system": URI, "value": place(program, before, "plan")}
    return {"replaces": [{"type": "CarePlan", "identifier": identifier}]}


def patient(program: Program) -> Resource:
    return {
        "type": "Patient",
        "identifier": {"system": URI, "value": f"urn:uuid:{uuid.uuid5(program.pk, 'patient')}"},
    }


def goals_of(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The program's goals; without any, its summary stands for one."""
    return list(content.get("goals") or [{"text": content["summary_for_patient"]}])


def goal(wanted: Mapping[str, Any], approved: bool) -> Resource:
    return {
        "resourceType": "Goal",
        "meta": {"profile": [f"{GUIDE}/StructureDefinition/pa-goal"]},
        "lifecycleStatus": "active" if approved else "proposed",
        "category": [PHYSICAL_ACTIVITY],
        "description": {"text": wanted["text"]},
    }


def order(
    item: Mapping[str, Any],
    plan_id: str,
    goals: Iterable[str],
    reason: str,
    content: Mapping[str, Any],
    approved: bool,
) -> Resource:
    pertains = "http://hl7.org/fhir/StructureDefinition/resource-pertainsToGoal"
    notes = [item["dose_text"], item["progress_when"], item["precaution"], item.get("patient_note", "")]
    return {
        "resourceType": "ServiceRequest",
        "meta": {"profile": [f"{GUIDE}/StructureDefinition/pa-servicerequest"]},
        "extension": [
            *({"url": pertains, "valueReference": {"reference": goal_id}} for goal_id in goals),
            {"url": DOSE, "extension": dose(item["dose"])},
        ],
        "basedOn": [{"reference": plan_id}],
        "status": "active" if approved else "draft",
        "intent": "order",
        "category": [PHYSICAL_ACTIVITY],
        "code": {"coding": [EXERCISE_THERAPY], "text": item["name"]},
        "occurrenceTiming": timing(item["dose"]["frequency"], content["duration_weeks"]),
        "reasonCode": [{"text": reason}],
        "note": [{"text": note} for note in notes if note],
        "patientInstruction": "\n".join(f"{n}. {step}" for n, step in enumerate(item["steps"], 1)),
    }


def timing(frequency: Mapping[str, Any], weeks: int) -> Resource:
    """How often: every second day, so many times a day, or so many times a week."""
    bounds = {"boundsDuration": {"value": weeks, "unit": "wk", "system": "http://unitsofmeasure.org", "code": "wk"}}
    a_day = frequency["per_day"]
    if frequency["named_days"]:
        repeat = {"frequency": a_day, "period": 1, "periodUnit": "d", "dayOfWeek": frequency["named_days"]}
    elif frequency["rest_days_between"]:
        repeat = {"frequency": a_day, "period": frequency["rest_days_between"] + 1, "periodUnit": "d"}
    elif frequency["days_per_week"] == 7:
        repeat = {"frequency": a_day, "period": 1, "periodUnit": "d"}
    else:
        repeat = {"frequency": a_day * frequency["days_per_week"], "period": 1, "periodUnit": "wk"}
    return {"repeat": bounds | repeat}


def dose(given: Mapping[str, Any]) -> list[Resource]:
    """The parts of a dose that are set, each an extension by its name in domain.md 2.3; seconds have their unit."""
    parts: list[Resource] = []
    for name in ("sets", "reps", "pain_limit"):
        if given[name] is not None:
            parts.append({"url": name, "valueInteger": given[name]})
    for name, field in (("hold", "hold_s"), ("duration", "duration_s"), ("rest", "rest_s")):
        if given[field]:
            parts.append({"url": name, "valueQuantity": seconds(given[field])})
    for name, value in (("tempo", given["tempo"]), ("side", given["side"]), ("range", given["range_note"])):
        if value:
            parts.append({"url": name, "valueString": value})
    if effort := given["effort"]:
        told = f"{effort['scale']} {effort['min']}-{effort['max']}"
        parts.append({"url": "effort", "valueString": told})
    return parts


def seconds(value: float) -> Resource:
    return {"value": value, "unit": "s", "system": "http://unitsofmeasure.org", "code": "s"}


def narrative(content: Mapping[str, Any], language: str) -> str:
    """The plan for a person, since the guide carries it mainly as text."""
    rows = format_html_join("", "<li><b>{}</b>: {}</li>", ((i["name"], i["dose_text"]) for i in content["items"]))
    stops = format_html_join("", "<li>{}</li>", ((rule,) for rule in content["stop_rules"]))
    return format_html(
        '<div xmlns="http://www.w3.org/1999/xhtml" xml:lang="{0}" lang="{0}">'
        "<h1>{1}</h1><p>{2}</p><ol>{3}</ol><p>{4}</p><ul>{5}</ul></div>",
        language, content["title"], content["summary_for_patient"], rows, content["pain_rule"], stops,
    )  # fmt: skip
