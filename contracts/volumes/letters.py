"""What people are told about volumes: figures only, never of anybody who is referred."""

from __future__ import annotations

from datetime import datetime

from contracts.agreements import queries as agreements
from contracts.volumes import queries
from contracts.volumes.models import VolumeAlert
from contracts.volumes.rules import Position
from marketplace.accounts.letters import write_to


def alert(raised: VolumeAlert, found: Position, *, now: datetime) -> None:
    """To those who can act: a service came near a volume that matters. Once for each alert."""
    line = agreements.line(raised.line_id)
    write_to(
        queries.who_can_act(line, found.on),
        key=f"volume-alert:{raised.id}",
        subject=f"{raised.kind.label}: {line.title}",
        template="emails/volumes/alert.txt",
        now=now,
        alert=raised,
        position=found,
        service=line,
    )
