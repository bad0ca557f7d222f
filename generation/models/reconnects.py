"""Readers of a run that came back to its stream."""

from django.conf import settings
from django.db import models

from generation.models.runs import Run


class Reconnect(models.Model):
    """A stream that was opened with a cursor, as whoever lost a connection does."""

    class Way(models.TextChoices):
        SSE = "sse", "SSE"
        SOCKET = "ws", "WebSocket"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="reconnects")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    way = models.CharField(max_length=3, choices=Way)
    # The seq of the last event that the reader had: what it says, so up to MAX_CURSOR.
    after = models.PositiveBigIntegerField()
    at = models.DateTimeField()

    class Meta:
        ordering = ("at", "id")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.way} after {self.after}"
