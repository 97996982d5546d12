"""What is wrong between here and the database: checks in order, each with what was found and what to do."""

from __future__ import annotations

from orapool.doctor.case import Case
from orapool.doctor.examination import CHECKS, examine
from orapool.doctor.findings import Finding, Verdict

__all__ = ["CHECKS", "Case", "Finding", "Verdict", "examine"]
