"""What a fresh database needs before it can be used, and the demo clinician who uses it."""

from django.conf import settings
from django.core.management import call_command
from django.db import transaction
from django.utils.crypto import salted_hmac

from generation.library_loading import load_library
from generation.models import Clinic, Membership, User

DEMO = "demo"


def prepare() -> None:
    """Migrate and load the library; changes nothing where that was done before."""
    call_command("migrate", verbosity=0, interactive=False)
    load_library()


def demo_user() -> User:
    """The demo clinician, made if need be; without a password until `demo_password` gives one."""
    with transaction.atomic():
        user, made = User.objects.get_or_create(username=DEMO, defaults={"is_staff": True, "is_superuser": True})
        if made:
            user.set_unusable_password()
            user.save(update_fields=["password"])
        clinic, _ = Clinic.objects.get_or_create(name="Demo clinic")
        Membership.objects.get_or_create(clinic=clinic, user=user, defaults={"role": Membership.Role.LEAD})
    return user


def demo_password(user: User) -> str | None:
    """The password that opens the demo account, the same at each start; None if somebody has chosen another."""
    # Beside a database that is no file nothing can be kept, but the secret key is the same there too.
    password = settings.DEMO_PASSWORD or salted_hmac("demo", DEMO).hexdigest()[:12]
    if not user.has_usable_password():
        user.set_password(password)
        user.save(update_fields=["password"])
    return password if user.check_password(password) else None
