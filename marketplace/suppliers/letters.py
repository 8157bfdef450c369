"""Letters about applications: they say what happened and where to read it, never what was answered."""

from __future__ import annotations

from datetime import datetime

from marketplace.access import Permission
from marketplace.accounts import queries as accounts
from marketplace.accounts.letters import write_to
from marketplace.suppliers.models import Application
from marketplace.suppliers.rules import ApplicationStatus


def submitted(application: Application, *, now: datetime) -> None:
    """To the supplier that its application has come in, and to the framework team that it waits."""
    write_to(
        accounts.people_with(application.organisation_id, Permission.APPLY_TO_FRAMEWORK),
        key=f"application-submitted:{application.id}",
        subject="We have received your application to join the Dynamic Framework",
        template="emails/suppliers/submitted.txt",
        now=now,
        application=application,
    )
    for team in accounts.framework_teams():
        write_to(
            accounts.people_with(team.id, Permission.DECIDE_APPLICATIONS),
            key=f"application-to-decide:{application.id}",
            subject=f"{application.organisation.name} has applied to join the Dynamic Framework",
            template="emails/suppliers/to_decide.txt",
            now=now,
            application=application,
        )


def withdrawn(application: Application, *, now: datetime) -> None:
    """To the framework team that there is nothing left to decide."""
    for team in accounts.framework_teams():
        write_to(
            accounts.people_with(team.id, Permission.DECIDE_APPLICATIONS),
            key=f"application-withdrawn:{application.id}",
            subject=f"{application.organisation.name} has withdrawn its application",
            template="emails/suppliers/withdrawn.txt",
            now=now,
            application=application,
        )


def decided(application: Application, *, qualified: int, declined: int, now: datetime) -> None:
    """To the supplier what was decided: how much of what it asked for, and where the reasons are."""
    admitted = application.status is ApplicationStatus.ADMITTED
    write_to(
        accounts.people_with(application.organisation_id, Permission.APPLY_TO_FRAMEWORK),
        key=f"application-decided:{application.id}",
        subject=(
            "You have been admitted to the Dynamic Framework"
            if admitted
            else "Your application to join the Dynamic Framework has been declined"
        ),
        template="emails/suppliers/decided.txt",
        now=now,
        application=application,
        admitted=admitted,
        qualified=qualified,
        declined=declined,
    )
