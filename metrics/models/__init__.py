"""The tables of the history, one file per noun."""

from metrics.models.profiles import Calibration, Forecast, Learning, StageProfile
from metrics.models.runs import RunMetric
from metrics.models.stages import GenerationMetric
from metrics.models.summaries import DailySummary, Dashboard

__all__ = [
    "Calibration",
    "DailySummary",
    "Dashboard",
    "Forecast",
    "GenerationMetric",
    "Learning",
    "RunMetric",
    "StageProfile",
]
