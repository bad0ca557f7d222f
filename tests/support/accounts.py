"""The cast, made in whatever database Django is set up with.

Alice owns, Bob is in her clinic, Charlie must see nothing, Dana is staff. As a program it makes accounts in the
database of a server under test and prints them as JSON:

    python -m tests.support.accounts prepare | add NAME [--clinic NAME] [--staff]
"""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from functools import cache

PASSWORD = "correct horse battery staple"
ALICES_CLINIC = "North clinic"
CHARLIES_CLINIC = "South clinic"


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    username: str
    password: str
    token: str
    clinic_id: str | None


@cache
def digest() -> str:
    """Of the shipped strength: a weaker one would be made anew at the first sign-in, which ends all other sessions."""
    from django.contrib.auth.hashers import make_password

    return make_password(PASSWORD)


def make_account(username: str, clinic: str | None = None, staff: bool = False) -> Account:
    """Make a user with a token that does not expire, in the clinic of this name if one is given."""
    from generation.models import ApiToken, Clinic, Membership, User

    user = User.objects.create(username=username, password=digest(), is_staff=staff, is_superuser=staff)
    workplace = None
    if clinic is not None:
        workplace, _ = Clinic.objects.get_or_create(name=clinic)
        Membership.objects.create(clinic=workplace, user=user)
    _, token = ApiToken.objects.create(user=user, name="test", expiry=None)
    return Account(str(user.pk), username, PASSWORD, token, str(workplace.pk) if workplace else None)


def make_cast() -> dict[str, Account]:
    return {
        "alice": make_account("alice", ALICES_CLINIC),
        "bob": make_account("bob", ALICES_CLINIC),
        "charlie": make_account("charlie", CHARLIES_CLINIC),
        "dana": make_account("dana", staff=True),
    }


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser()
    tasks = parser.add_subparsers(dest="task", required=True)
    tasks.add_parser("prepare", help="Migrate, load the library and make the cast.")
    add = tasks.add_parser("add")
    add.add_argument("username")
    add.add_argument("--clinic")
    add.add_argument("--staff", action="store_true")
    asked = parser.parse_args(words)

    import django

    django.setup()
    if asked.task == "prepare":
        from generation.first_start import prepare

        prepare()
        made = make_cast()
    else:
        made = {asked.username: make_account(asked.username, asked.clinic, asked.staff)}
    print(json.dumps({name: asdict(account) for name, account in made.items()}))


if __name__ == "__main__":
    main(sys.argv[1:])
