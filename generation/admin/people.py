"""Who works here, and where."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from generation import spending
from generation.admin.base import ReadOnly, dollars
from generation.models import ApiToken, Clinic, Membership, User

admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    pass


class MembershipInline(TabularInline):  # type: ignore[misc]
    model = Membership
    extra = 0


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc,type-arg]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    inlines = (MembershipInline,)
    list_display = ("username", "first_name", "last_name", "language", "is_active", "is_staff")
    fieldsets = (*DjangoUserAdmin.fieldsets, (_("Preferences"), {"fields": ("language",)}))  # type: ignore[misc]

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """What would go, and what forbids it. Raises nothing."""
        gone, counts, lacking, protected = super().get_deleted_objects(objs, request)
        if not protected:
            return gone, counts, lacking, protected
        return gone, counts, set(), [_("Runs and programs of this account are kept; make it inactive instead.")]


@admin.register(Clinic)
class ClinicAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ("name", "phone", "emergency_number", "daily_budget_usd", "spent")
    search_fields = ("name",)
    inlines = (MembershipInline,)
    fieldsets = (
        (None, {"fields": ("name", "phone", "emergency_number")}),
        (_("Retention"), {"fields": ("draft_days", "program_years")}),
        (_("Models"), {"fields": (("daily_budget_usd", "spent"),)}),
    )
    readonly_fields = ("spent",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Clinic]:
        return spending.with_spent_today(super().get_queryset(request))

    @admin.display(description=_("spent today"), ordering="spent_today")
    def spent(self, clinic: Clinic) -> str:
        # A clinic that is just being added has none.
        return dollars(getattr(clinic, "spent_today", None))


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnly):
    """Tokens can be revoked here; they are made by the quickstart command or in code, and never shown again."""

    list_display = ("name", "user", "created", "expiry")
    fields = ("name", "user", "created", "expiry")
    list_filter = ("user",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser
