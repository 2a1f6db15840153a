"""How many reviews a question takes on a model's own stream, and what today's reviews can show."""

from labeling.planning.answers import Plan, plan
from labeling.planning.outlook import BudgetOutlook, budget_outlook
from labeling.planning.question import PlanForm, Question

__all__ = ["BudgetOutlook", "Plan", "PlanForm", "Question", "budget_outlook", "plan"]
