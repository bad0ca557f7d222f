"""What a server takes, found out by the first real request to it and remembered by this process."""

from dataclasses import dataclass, replace

from django.conf import settings

FORMS = ("json_schema", "json_object", "prompt")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How an answer is held to its form, and the names of two options."""

    form: str = FORMS[0]
    counts_usage: bool = True
    limit: str = "max_tokens"

    def after(self, refusal: str) -> "Dialect | None":
        """The dialect to try after a request was refused in these words; None when there is none left."""
        if self.counts_usage and ("stream_options" in refusal or "include_usage" in refusal):
            return replace(self, counts_usage=False)
        if self.limit == "max_tokens" and "max_tokens" in refusal:
            return replace(self, limit="max_completion_tokens")
        place = FORMS.index(self.form) + 1
        return replace(self, form=FORMS[place]) if place < len(FORMS) else None


# By server and model.
_dialects: dict[tuple[str, str], Dialect] = {}


def dialect_of(model: str) -> Dialect:
    """What the configured server has taken from this model's requests so far."""
    return _dialects.get((settings.MODEL_BASE_URL, model), Dialect())


def remember(model: str, dialect: Dialect) -> None:
    _dialects[settings.MODEL_BASE_URL, model] = dialect


def forget() -> None:
    """Find out anew."""
    _dialects.clear()
