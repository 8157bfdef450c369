"""Places: the levels of the tree."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """How high in the tree: probation region, then police force area, then local authority."""

    PROBATION_REGION = "probation_region"
    POLICE_FORCE_AREA = "police_force_area"
    LOCAL_AUTHORITY = "local_authority"

    @property
    def label(self) -> str:
        """The level in words. A police force area is what a Police and Crime Commissioner (PCC) serves."""
        return {
            Level.PROBATION_REGION: "Probation region",
            Level.POLICE_FORCE_AREA: "Police force (PCC) area",
            Level.LOCAL_AUTHORITY: "Local authority",
        }[self]
