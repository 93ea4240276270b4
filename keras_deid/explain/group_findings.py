"""Whether the maps light up on each region for people of every kind: findings of groups of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keras_deid.explain.findings import Finding, summarise
from keras_deid.explain.groups import groups_of
from keras_deid.explain.study import Study

# A mean of fewer pictures says next to nothing about others.
LEAST_PICTURES = 5


@dataclass(frozen=True)
class GroupFindings:
    """What was found out about a group of pictures.

    Attributes:
        by: what tells the groups apart, one of `keras_deid.explain.groups.GROUPED_BY`.
        name: of this group.
        pictures: in it.
        findings: as of all pictures; none where the group has fewer than `LEAST_PICTURES`.
    """

    by: str
    name: str
    pictures: int
    findings: Sequence[Finding]

    def about(self, target: str, region: str) -> list[Finding]:
        """Returns the findings about a target and region, from the input on."""
        return [finding for finding in self.findings if (finding.target, finding.region) == (target, region)]

    def as_json(self) -> dict[str, Any]:
        """Returns the form of `localisation.json`."""
        return {
            "by": self.by,
            "group": self.name,
            "pictures": self.pictures,
            "findings": [
                {
                    "target": finding.target,
                    "region": finding.region,
                    "layer": finding.layer,
                    "pictures": finding.pictures,
                    "energy": vars(finding.metrics["energy"]),
                    "separation": vars(finding.metrics["separation"]),
                    "unbeaten_controls": finding.unbeaten,
                    "holds": finding.holds,
                }
                for finding in self.findings
            ],
        }


def group_findings(study: Study) -> list[GroupFindings]:
    """Sums a study up group by group; nothing where no two pictures can be told apart."""
    return [
        GroupFindings(
            group.by,
            group.name,
            int(group.members.sum()),
            summarise(study, group.members) if group.members.sum() >= LEAST_PICTURES else [],
        )
        for group in groups_of(study.pictures)
    ]
