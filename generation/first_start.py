"""What a fresh database needs before it can be used, and the demo clinician who uses it."""

import secrets

from django.conf import settings
from django.core.management import call_command
from django.db import transaction

from generation.models import Clinic, Membership, User
from generation.programs import load_library

DEMO = "demo"


def prepare() -> None:
    """Migrate and load the library; changes nothing where that was done before."""
    call_command("migrate", verbosity=0, interactive=False)
    load_library()


def demo_user() -> tuple[User, str]:
    """The demo clinician and the password that opens the account, making both if need be."""
    password = settings.DEMO_PASSWORD or secrets.token_urlsafe(9)
    with transaction.atomic():
        user, made = User.objects.get_or_create(username=DEMO, defaults={"is_staff": True, "is_superuser": True})
        if made or not user.check_password(password):
            user.set_password(password)
            user.save(update_fields=["password"])
        clinic, _ = Clinic.objects.get_or_create(name="Demo clinic")
        Membership.objects.get_or_create(clinic=clinic, user=user, defaults={"role": Membership.Role.LEAD})
    return user, password
