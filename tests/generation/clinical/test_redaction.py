"""What identifies a person is taken out of a case; what the case is about stays."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.clinical.redaction import redact, relative

TODAY = date(2026, 11, 20)

GONE = [
    ("CPR 010203-9876, knee pain", "010203-9876", "civil number"),
    ("cpr 0102039876", "0102039876", "civil number"),
    # Its check digit is wrong on purpose: since 2007 such numbers are issued.
    ("Patienten 311299 1111 har ondt", "311299 1111", "civil number"),
    ("710203-1234 er et erstatningsnummer", "710203-1234", "civil number"),
    ("MRN 12345-AB, left hip", "12345-AB", "record number"),
    ("journalnr. 88/2231", "88/2231", "record number"),
    ("write to jane.roe+knee@example.org", "jane.roe+knee@example.org", "e-mail"),
    ("see https://example.org/p/42?x=1 for the scan", "https://example.org/p/42?x=1", "link"),
    ("ring on +45 20 12 34 56 after work", "20 12 34 56", "phone"),
    ("tlf. 20123456", "20123456", "phone"),
    ("phone (020) 7946 0958", "7946 0958", "phone"),
    ("Mrs Anne Smith, 70, right knee OA", "Anne Smith", "name"),
    ("Hr. Jens Ole Hansen har slidgigt", "Jens Ole Hansen", "name"),
    ("Fru Sørensen, 80 år", "Sørensen", "name"),
    ("referred by Dr. O'Neill", "O'Neill", "name"),
    ("name: Alex Kanariefugl, low back pain", "Alex Kanariefugl", "name"),
    ("Kirstine Kanariefugl has a stiff shoulder", "Kirstine Kanariefugl", "name"),
    ("bor Vestergade 12, 8000 Aarhus", "Vestergade 12", "address"),
    ("lives at 12 High Street", "12 High Street", "address"),
    ("DOB 03/02/1956, hip pain", "03/02/1956", "date"),
    ("født den 12. marts 1934", "1934", "date"),
    ("97-årig kvinde", "97", "age"),
    ("a 94 year old man", "94", "age"),
    # Names between ordinary words, and names that are words.
    ("Seen John Smith in clinic", "John Smith", "name"),
    ("Today Sarah Jones reports", "Sarah Jones", "name"),
    ("Reviewed Thomas Brown today", "Thomas Brown", "name"),
    ("Knee John Smith", "John Smith", "name"),
    ("Per Nielsen har ondt i knæet", "Per Nielsen", "name"),
    ("Mark Hill, 40, back pain", "Mark Hill", "name"),
    ("Will Turner", "Turner", "name"),
    ("Lisa Long", "Lisa Long", "name"),
    ("Jan Hansen", "Jan Hansen", "name"),
    ("May Wong", "May Wong", "name"),
    ("pt Jan 54 år, lænd", "Jan", "name"),
    ("Kate Browning, 40, left hip", "Browning", "name"),
    ("Seen Sarah", "Sarah", "name"),
    ("her husband Peter helps", "Peter", "name"),
    ("datter Lise hjælper", "Lise", "name"),
    ("Tell Mark's wife", "Mark", "name"),
    ("john smith, 54, left shoulder", "john smith", "name"),
    ("JOHN SMITH 54M back pain", "JOHN SMITH", "name"),
    ("Hun hedder mette", "mette", "name"),
    ("Mr J. Smith", "Smith", "name"),
    ("Mrs A.B. Jones", "Jones", "name"),
    ("Hr. P. Jensen", "Jensen", "name"),
    ("J. Smith, 60", "Smith", "name"),
    ("mr smith has knee pain", "smith", "name"),
    ("mrs JONES", "JONES", "name"),
    ("Ms de Souza", "Souza", "name"),
    ("Mr van der Berg", "Berg", "name"),
    ("Dr al-Hassan", "Hassan", "name"),
    ("Mr Hill reports pain", "Hill", "name"),
    ("Łukasz Kowalski", "Łukasz Kowalski", "name"),
    ("Şule Yılmaz", "Yılmaz", "name"),
    ("Иван Петров", "Петров", "name"),
    ("GP: Smith", "Smith", "name"),
    # Places.
    ("Referred from Queen Mary Hospital", "Queen Mary", "address"),
    ("bor på Åboulevarden 12B", "Åboulevarden 12B", "address"),
    ("Strandvejen 100", "Strandvejen 100", "address"),
    ("Peter Bangs Vej 12", "Peter Bangs Vej 12", "address"),
    ("Ved Kirken 3", "Kirken 3", "address"),
    ("8000 Aarhus C", "8000 Aarhus C", "address"),
    ("2000 Frederiksberg", "Frederiksberg", "address"),
    ("postcode SW1A 1AA", "SW1A 1AA", "address"),
    # Numbers.
    ("SSN 123-45-6789", "123-45-6789", "civil number"),
    ("NI QQ123456C", "QQ123456C", "civil number"),
    ("HICN 1EG4-TE5-MK72", "1EG4-TE5-MK72", "civil number"),
    ("seen by @johnsmith", "johnsmith", "link"),
    ("from 10.0.0.1", "10.0.0.1", "link"),
    ("12.34.56.78", "12.34.56.78", "phone"),
    ("call 1234-5678", "1234-5678", "phone"),
    ("20 12 34 56", "20 12 34 56", "phone"),
    ("case no. 1234", "1234", "record number"),
    ("cpr 120361 - 1234", "1234", "civil number"),
    ("120361–1234", "1234", "civil number"),
    ("120361\u00a01234", "1234", "civil number"),
    ("120361  1234", "1234", "civil number"),
    ("120361_1234", "1234", "civil number"),
    ("12.03.61-1234", "1234", "civil number"),
    ("12 03 61 1234", "1234", "civil number"),
    ("1203 61-1234", "1234", "civil number"),
    *(
        (age, "93", "age")
        for age in (
            "93M",
            "93F",
            "aged 93",
            "93 y",
            "93 y.o.",
            "93å",
            "alder 93",
            "age: 93",
            "kvinde, 93, fald",
            "turned 93 last week",
            "kvinde på 93.",
        )
    ),
    ("95+ years", "95", "age"),
    ("ninety-three year old", "three", "age"),
    ("treoghalvfemsårig kvinde", "treog", "age"),
    ("født i 1931", "1931", "date"),
    ("opereret d. 14/3", "14/3", "date"),
    ("surgery 14-Mar-26", "14-Mar-26", "date"),
    ("surgery 2026/03/14", "2026/03/14", "date"),
    ("surgery 20260314", "20260314", "date"),
    ("surgery Mar 2026", "Mar 2026", "date"),
]

STAYS = [
    "68 yo woman, right knee OA, pain 4/10 on stairs, 5/10 worst, 8 months, wants to climb stairs and walk 30 min.",
    "ACLR hamstring graft wk 3, 3/52, flexion 0-90, BP 140/90, NPRS 6, 3 x 10 reps, 50% PWB, WBAT",
    "Brandt-Daroff at home, Achilles tendinopathy, Trendelenburg positive, Baker cyst",
    "Right Knee OA. Left Shoulder fine. Low Back Pain for 2 weeks",
    "TKA dag 10, smerter 4/10, 89 år, må støtte fuldt, går på trapper",
    "Patient Denies Night Pain. Patient No Red Flags. Patient Reported Pain 6/10 in Left Knee",
    "Pt Unable to weight bear. Patient Will Walk 100 m. Patient May WB. Pt Independent with ADL",
    "Pt Har osteoporose. Pt Gravid uge 20. Patient Må ikke belaste. Patient Klager over smerter. Pt Benægter feber",
    "walks 1000-1500 steps, 10 20 30 10 protocol, weights 10 12 14 16, HR 120-140-160, BP 120 80 130 85",
    "record 10000 steps/day, case 12-34, patient 6/12-old injury, hospital day 1001, patient 100 m",
    "10-15-20-25 reps, 12-10-8-6 pyramid, pain may 10 times a day, Maj 2 gange, week 3 may start running, ROM 0-5-110",
    "Polymyalgia Rheumatica, Charcot Marie Tooth, Osgood Schlatter, Sinding Larsen, Ehlers Danlos, De Quervain",
    "Apley Grind, Spurling Test, Phalen Test, Hawkins Kennedy, Mumford Procedure, Thessaly Positive, Lachman, McMurray",
    "Thomas test positive, Thomas and Ober tests, Jones Fracture, Smith machine squat, Weber B, Salter Harris, Bennett",
    "FADIR, FABER, Neer, Jobe, Slump, Lasègue, Dix Hallpike, Epley, Semont, Perthes, Scheuermann, Bechterew, Sjögren",
    "Timed Up And Go, Oxford Knee Score, Berg Balance Scale, Borg 13, 6 Minute Walk 350 m, 10 Seated Row",
    "Works as a Police Officer. MR Scanning viser prolaps. MS patient. Chondromalacia Patellae. Complex Regional Pain",
    "flexion 93 deg, walks 93 m, 93%, pain @rest 2/10, 1000 Steps, 2019 Knee operation, bor på 3. sal",
    "Theraband Green, Nordic Hamstring Curl, Tai Chi. Ingen Nattesmerter. Ingen Vægttab. No Saddle Numbness",
    "M. Gluteus Medius, L. Knee, NO RED FLAGS. SEVERE BACK PAIN. NO BLADDER CHANGES",
]


@pytest.mark.parametrize(("text", "secret", "kind"), GONE)
def test_what_identifies_goes(text, secret, kind):
    redacted = redact(text, TODAY)
    assert secret not in redacted.text
    assert redacted.counts[kind] == 1


@pytest.mark.parametrize("text", STAYS)
def test_what_the_case_is_about_stays(text):
    assert redact(text, TODAY) == (redact(text, TODAY).__class__)(text, {})


@pytest.mark.parametrize(
    ("text", "language", "told"),
    [
        ("TKR on 3 November 2026, walks with a stick", "en", "TKR 2 weeks ago, walks"),
        ("opereret d. 6. november 2026", "da", "opereret for 2 uger siden"),
        ("since 2026-08-20", "en", "since 3 months ago"),
        ("opereret 19/11/2026", "da", "for 1 dag siden"),
        ("review on 27.11.2026", "en", "review in 7 days"),
        ("fell Nov 20, 2026", "en", "fell today"),
        ("fracture 12/2/98", "en", "29 years ago"),
        ("operated 31/02/2026", "en", "operated 31/02/2026"),
        ("Surgery on 14 March. Walks", "en", "Surgery 8 months ago. Walks"),
        ("sprain 10 days ago on 10.11.2026, pain", "en", "sprain 10 days ago, pain"),
        ("ondt siden 3. juni 2026", "da", "ondt siden for 6 måneder siden"),
        ("surgery in June 2026", "en", "surgery 5 months ago"),
        ("surgery Nov 2026", "en", "surgery this month"),
    ],
)
def test_a_date_becomes_the_time_since(text, language, told):
    assert told in redact(text, TODAY, language).text


def test_a_date_of_birth_leaves_no_age_behind():
    assert redact("born 3 Feb 1956", TODAY).text == "[date of birth]"


def test_what_is_known_goes_wherever_it_stands():
    redacted = redact("Case ZX4411-k, again zx4411-K.", TODAY, known=["ZX4411-K", ""])
    assert (redacted.text, redacted.counts) == ("Case [record number], again [record number].", {"record number": 2})


def test_what_is_known_goes_with_other_separators():
    assert redact("ref AB1234, ab 1234", TODAY, known=["AB-1234"]).text == "ref [record number], [record number]"


def test_a_short_known_value_is_a_number_like_any_other():
    assert redact("pain 4/10, 3 x 10", TODAY, known=["10"]).text == "pain 4/10, 3 x 10"


def test_a_name_goes_wherever_it_stands_again():
    text = redact("Patienten hedder Kanariefugl. Kanariefugl er 45. Seen by Mark Hill. Mark has pain", TODAY).text
    assert text == "Patienten hedder [name]. [name] er 45. Seen by [name]. [name] has pain"


def test_what_is_redacted_stays_as_it_is():
    once = redact("; ".join(text for text, _secret, _kind in GONE), TODAY).text
    assert redact(once, TODAY).text == once


def test_a_year_is_told_in_years():
    assert relative(date(2020, 11, 20), TODAY, "en") == "6 years ago"


@given(st.text(max_size=300))
def test_any_text_can_be_redacted(text):
    redact(text, TODAY, known=[text[:5]])


GAPS = ["", "-", " ", "  ", " - ", "–", " – ", "\u00a0", "_", ".", "‐"]


@given(
    st.integers(1, 31),
    st.integers(1, 12),
    st.integers(0, 99),
    st.integers(0, 9999),
    st.sampled_from(GAPS),
    st.sampled_from(["", " ", ".", "-", "/"]),
)
def test_no_civil_number_gets_through(day, month, year, last, gap, inner):
    number = inner.join((f"{day:02}", f"{month:02}", f"{year:02}")) + f"{gap}{last:04}"
    assert f"{last:04}" not in redact(f"knee pain, {number}, walks", TODAY).text


@pytest.mark.parametrize(
    "piece",
    ["A", "Aa ", "1 ", "(", "patient ", "a@", "a-", "A-", "1-", "Mr ", "name A", "Aa-", "+1", "12/", "1 jan ", "a.",
     "A. ", "12 Aa ", "case", "Aavejaaaa", "vej", "AA1", "@a", "Aa'", "Sarah ", "de ", "Mr A.", "9", "0.", "fe:",
     "1 day ago ", "Sarah and ", "Bor Aa ", "8000 Aa", "Thomas ", " ago ", "ab1-", "jan 2", "\n", " ", "\u00a0"],
)  # fmt: skip
def test_a_hostile_text_comes_back_and_is_done_with(piece):
    once = redact((piece * 4000)[:4000], TODAY, known=["AB-1234"]).text
    assert redact(once, TODAY).text == once
