"""Whole notes, as they are typed: what identifies goes, and the case is understood as before."""

from datetime import date

import pytest

from generation.clinical import red_flags, scenario
from generation.clinical.redaction import redact

TODAY = date(2026, 11, 20)

# The language, the note, and what must not be left of it.
IDENTIFYING = [
    ("en", "Pt is John Smith, 54M, R knee OA, pain 4/10 on stairs. MRN 12345678. Lives at 12 Oak Street. No "
           "night pain.",
     "Smith 12345678 Oak"),
    ("en", "SARAH JONES 61F LBP 3/52, pain 5/10 worse on bending. DENIES saddle numbness, NO bladder changes.",
     "SARAH JONES"),
    ("en", "Mrs. O'Brien, 72yo, left total hip replacement 3 weeks ago, FWB, pain 3/10. Husband Peter helps "
           "with exercises.",
     "O'Brien Peter"),
    ("en", "Seen Sarah today for her right knee. Sarah reports pain 5/10 when climbing stairs for 4 months. "
           "Denies locking.",
     "Sarah"),
    ("en", "Patient: Mary-Anne Jones DOB 12/03/1961. Right rotator cuff repair 6 weeks ago. Pain 2/10. Tel "
           "07700 900123.",
     "Mary Jones 1961 07700"),
    ("en", "Referred by Dr Patel at Queen Mary Hospital. Left total knee replacement, day 5, pain 6/10. No calf "
           "pain or swelling.",
     "Patel Queen Mary"),
    ("en", "NHS number 943 476 5919. Lumbar radiculopathy left L5 for 6 weeks, pain 6/10, denies bowel or "
           "bladder symptoms.",
     "943 5919"),
    ("en", "Mark Hill, 40, right Achilles tendinopathy 12 weeks, pain 3/10. Mark has no morning stiffness. "
           "mark.hill@example.org",
     "Hill hill@example"),
    ("en", "Łukasz Kowalski, 33, left ankle sprain 10 days ago on 10.11.2026, pain 4/10. Able to weight bear.",
     "Łukasz Kowalski 10.11"),
    ("en", "Dr. Grace Hall writes: Mr J. Smith, 68, frozen shoulder left, 3 months, pain 5/10 at night. SW1A 1AA.",
     "Hall Smith SW1A"),
    ("da", "Jens Hansen, 54 år, højre knæartrose, smerte 4/10 ved trappegang. CPR 120372-1234. Ingen hvilesmerter.",
     "Jens Hansen 120372 1234"),
    ("da", "Pt. Jens Peter Hansen har haft ondt i lænden i 3 uger, smerte 6/10. Tlf. 20 30 40 50. Benægter "
           "ridebukseanæstesi.",
     "Jens Peter Hansen 20 30 40"),
    ("da", "Fru Sørensen, 72 år, hoftealloplastik venstre for 3 uger siden, fuld støtte, smerte 3/10. Bor "
           "Strandvejen 100.",
     "Sørensen Strandvejen"),
    ("da", "Karen Nørgaard, bor Vestergade 12, 2. tv, 8000 Aarhus C. Skuldersmerter højre i 2 måneder, smerte 5/10.",
     "Karen Nørgaard Vestergade Aarhus"),
    ("da", "Patienten hedder Mette. Mette er 45 år og har tennisalbue højre side i 4 måneder, NRS 5/10. Ingen "
           "feber.", "Mette"),
    ("da", "Per Nielsen har ondt i venstre knæ, 6 uger, smerte 4/10. cpr 120361 – 1234. Ikke låsninger.",
     "Nielsen 120361 1234"),
    ("da", "Egen læge Birgitte Holm, henvist fra Aarhus Universitetshospital. Knæalloplastik højre for 3 uger "
           "siden, smerte 4/10.",
     "Birgitte Holm Aarhus"),
    ("da", "Kontakt datter Lise på 22334455. 84-årig kvinde, hoftebrud venstre opereret for 5 uger siden, "
           "delvis støtte, smerte 3/10.",
     "Lise 22334455"),
    ("da", "hr. hansen, journalnr. 2026-44551, nakkesmerter efter piskesmæld for 10 dage siden, smerte 6/10, "
           "ingen føleforstyrrelser.",
     "hansen 44551"),
    ("da", "Niels Juels Gade 5, 3. th. Peter er 54 år, lændesmerter 8 uger, smerte 5/10, ingen "
           "vandladningsbesvær, intet vægttab.",
     "Juels Peter"),
]  # fmt: skip

CLINICAL = [
    ("en", "68 yo woman, right knee OA, pain 4/10 on stairs, 8 months, BP 140/90, walks 1000-1500 steps, no "
           "night pain."),
    ("en", "Patient Reported Pain 6/10 in Left Knee after Total Knee Replacement 3 weeks ago. Patient Denies "
           "Calf Pain."),
    ("en", "Low Back Pain for 6 weeks, pain 5/10. No Red Flags. Denies Saddle Numbness, No Bladder Changes, No "
           "Weight Loss."),
    ("en", "Works as a Police Officer. Left Achilles tendon repair week 8. Thompson test negative, pain 2/10."),
    ("en", "Right shoulder impingement, Neer and Hawkins positive, Spurling Test negative, pain 5/10, 3 months."),
    ("en", "Polymyalgia Rheumatica, now right hip pain 4/10 for 2 months, Thomas test positive, FADIR positive, "
           "FABER negative."),
    ("en", "BPPV right posterior canal, Dix Hallpike positive, Epley done twice. Semont and Brandt-Daroff at home."),
    ("en", "De Quervain left wrist, pain 6/10 for 5 weeks, Finkelstein positive. Colles fracture 2 years ago."),
    ("en", "COPD, 6 Minute Walk 350 m, Borg 13, HR 120-140-160 in intervals. Pt Independent with ADL. Pt Unable "
           "to climb stairs."),
    ("en", "Left ACL reconstruction, hamstring graft, wk 3, flexion 0-90, PWB 50%, 10-15-20-25 reps, weights 10 "
           "12 14 16, pain 3/10."),
    ("da", "68-årig kvinde, højre knæartrose, smerte 4/10 på trapper, 8 måneder, ingen natlige smerter."),
    ("da", "Patient Klager over smerter i Højre Skulder, 6/10, Neers test positiv. Pt Oplyser ingen traume."),
    ("da", "Lændesmerter i 3 uger, smerte 6/10. Benægter ridebukseanæstesi, ingen vandladningsbesvær, intet "
           "vægttab, ingen feber."),
    ("da", "Pt Har osteoporose. Patient Må ikke belaste venstre ben. Opereret for ankelbrud for 2 uger siden, "
           "smerte 3/10."),
    ("da", "Pt Gravid uge 20, bækkensmerter, smerte 5/10. Øvelser Maj 2 gange om ugen."),
    ("da", "Bechterew, rygsmerter 4/10 gennem 10 år. Går 10000 skridt dagligt. Slump og Lasègue negative."),
    ("da", "Osgood Schlatter højre knæ, 13 år, smerte 5/10 ved hop, 3 x 10, 10 20 30 10 protokol."),
    ("da", "MR Scanning viser diskusprolaps L5, smerter ud i venstre ben 7/10, 6 uger. Ikke tegn på cauda equina."),
    ("da", "Hoftealloplastik højre dag 10, smerte 4/10, 89 år, må støtte fuldt, går på trapper, bor på 3. sal."),
    ("da", "Frossen skulder venstre, 5 måneder, smerte 6/10, Berg Balance Scale 50, Timed Up And Go 12 s. Ingen "
           "Nattesved."),
]  # fmt: skip


def understood(note: str, language: str) -> tuple[object, ...]:
    profile = scenario.parse(note, language, TODAY)
    flags = [(flag.code, flag.status) for flag in red_flags.screen(note, profile, language)]
    pain = (profile.pain_now, profile.pain_worst)
    return (profile.regions, profile.side, pain, profile.condition_tags, profile.weeks, profile.restrictions, flags)


@pytest.mark.parametrize(("language", "note", "secrets"), IDENTIFYING)
def test_nothing_that_identifies_is_left_of_a_note(language, note, secrets):
    redacted = redact(note, TODAY, language)
    assert [secret for secret in secrets.split() if secret in redacted.text] == []


@pytest.mark.parametrize(("language", "note"), CLINICAL)
def test_a_note_that_names_nobody_stays_as_it_is(language, note):
    redacted = redact(note, TODAY, language)
    assert (redacted.text, redacted.counts) == (note, {})


@pytest.mark.parametrize(("language", "note", "secrets"), IDENTIFYING)
def test_a_redacted_note_is_understood_as_the_original(language, note, secrets):
    assert understood(redact(note, TODAY, language).text, language) == understood(note, language)


@pytest.mark.parametrize("note", [note for _language, note in CLINICAL])
def test_a_note_in_capitals_loses_no_word(note):
    assert redact(note.upper(), TODAY).text == note.upper()
