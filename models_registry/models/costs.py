"""What an error costs: dated rows, never changed, one of them in force."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from models_registry.costs import Costs
from models_registry.models.versions import RegisteredModel

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

MOST = 1_000_000_000


def price(help_text: StrPromise) -> models.DecimalField[Decimal, Decimal]:
    return models.DecimalField(max_digits=14, decimal_places=4, help_text=help_text)


class CostMatrix(models.Model):
    """Prices of errors as of a date. To change one, make a new one: reports keep the prices they were made with."""

    registered_model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="cost_matrices")
    number = models.PositiveIntegerField()
    currency = models.CharField(max_length=3, help_text=_("ISO 4217, for example EUR; XXX counts points"))
    escape = price(_("A defect that is passed as good"))
    overkill = price(_("A good part that is called a defect"))
    confusion = price(_("One defect that is called another"))
    overrides = models.JSONField(
        default=list, blank=True, help_text=_('Pairs with a price of their own: [["scratch", "ok", 40]] (true, said)')
    )
    is_active = models.BooleanField(default=True)
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="cost_matrices")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "cost matrices"
        ordering = ("registered_model", "-number")
        constraints = [
            models.UniqueConstraint(fields=["registered_model", "number"], name="costmatrix_number_unique"),
            models.UniqueConstraint(
                fields=["registered_model"], condition=Q(is_active=True), name="costmatrix_one_active"
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="costmatrix_number_from_1"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="costmatrix_currency_code"),
            *(
                # the upper end keeps NaN out as well, which PostgreSQL takes for larger than any number
                models.CheckConstraint(
                    condition=Q(**{f"{name}__gte": 0, f"{name}__lte": MOST}), name=f"costmatrix_{name}_range"
                )
                for name in ("escape", "overkill", "confusion")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.registered_model}, costs {self.number}"

    @property
    def costs(self) -> Costs:
        """The prices as numbers, for `models_registry.costs.cost_matrix`."""
        overrides = {(true, said): float(price) for true, said, price in self.overrides}
        return Costs(float(self.escape), float(self.overkill), float(self.confusion), overrides)
