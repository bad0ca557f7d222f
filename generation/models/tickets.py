"""Tickets: a way to one stream for clients that can send neither a header nor a cookie."""

from django.conf import settings
from django.db import models

from generation.models.runs import Batch, Run


class StreamTicket(models.Model):
    """What a ticket opens, and for whom. Only its digest is kept."""

    digest = models.BinaryField(max_length=32, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    # Exactly one of the two.
    run = models.ForeignKey(Run, on_delete=models.CASCADE, null=True, related_name="+")
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"ticket of {self.user_id}"
