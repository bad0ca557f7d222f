"""A share link as it is printed: the address and its code, which only whoever has just made it can show."""

import io
from datetime import date

import segno

from generation.clinical.record import day


def printed(url: str, until: date, language: str) -> dict[str, str]:
    """`{url, until, qr}`: the last day in words, and the code as an SVG that is read on any ground."""
    return {"url": url, "until": day(until, language), "qr": code(url)}


def code(url: str) -> str:
    picture = io.BytesIO()
    segno.make(url, error="m").save(picture, kind="svg", scale=4, border=4, light="#fff", xmldecl=False)
    return picture.getvalue().decode()
