"""The admin: what ran, how it went, and who may do what. Case text is not listed, searched or edited here."""

from generation.admin import calls, library, panels, people, runs, trail

__all__ = ["calls", "library", "panels", "people", "runs", "trail"]
