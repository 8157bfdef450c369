"""Coming to an organisation and leaving it: sign-up, invitations, roles."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select, update

from marketplace import audit
from marketplace.access import Actor, Permission, Role
from marketplace.accounts import letters, queries
from marketplace.accounts.actions.organisations import add_organisation, add_person, grant_role
from marketplace.accounts.actions.own_account import take_link
from marketplace.accounts.actions.signing_in import end_sessions
from marketplace.accounts.models import InvitedRole, OneTimeLink, Organisation, Person, RoleGrant
from marketplace.accounts.rules import INVITATION_LASTS, OrganisationKind, SupplierStatus, token_hash
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, NotFound, Refused
from marketplace.extensions import db

# What the first person of a supplier may do: everything up to the contract, and invite the rest.
FIRST_ROLES = (Role.ADMINISTRATOR, Role.BID_MANAGER, Role.SIGNATORY)


def sign_up(
    *,
    name: str,
    email: str,
    password: str,
    organisation_name: str,
    supplier_status: SupplierStatus,
    company: str | None,
    charity: str | None,
    now: datetime,
) -> tuple[Person, Organisation]:
    """A supplier and its first person. Refused without a company or charity number, or with one that is here already.

    An organisation that was read from the live register is not taken over: its framework team hands it over.
    """
    if not (company or charity):
        raise Invalid("Enter a company number or a charity number", field="company_number")
    organisation = add_organisation(
        name=organisation_name,
        kind=OrganisationKind.SUPPLIER,
        supplier_status=supplier_status,
        company=company,
        charity=charity,
        now=now,
    )
    person = add_person(name=name, email=email, password=password, now=now)
    for role in FIRST_ROLES:
        grant_role(person, organisation, role, now=now)
    audit.record("Signed up", organisation, actor=queries.as_actor(person, organisation, FIRST_ROLES), now=now)
    return person, organisation


def invite(email: str, roles: Collection[Role], *, actor: Actor, now: datetime) -> OneTimeLink:
    """Invite somebody to one's organisation, in one or more roles: a link that works once, within seven days."""
    actor.must(Permission.ADMINISTER_ORGANISATION)
    organisation = queries.organisation(actor.organisation)
    if not roles or any(role not in organisation.kind.roles for role in roles):
        raise Invalid("Choose from the roles of your organisation", field="roles")
    person = queries.person_by_email(email)
    if person is not None:
        held = {grant.role for grant in person.grants if grant.organisation_id == organisation.id}
        if held >= set(roles):
            raise AlreadyDone(f"{person.name} has this already.", field="roles")
    return _invite(organisation, email, roles, person, actor=actor, now=now)


def hand_over(organisation: Organisation, email: str, *, actor: Actor, now: datetime) -> OneTimeLink:
    """Invite the first person of a supplier known only from the live register. The framework team checks who it is."""
    actor.must(Permission.DECIDE_APPLICATIONS)
    if organisation.claimed_at is not None or not organisation.is_supplier:
        raise AlreadyDone("This organisation has its people already. Its administrator invites others.")
    return _invite(organisation, email, FIRST_ROLES, queries.person_by_email(email), actor=actor, now=now)


def _invite(
    organisation: Organisation,
    email: str,
    roles: Collection[Role],
    person: Person | None,
    *,
    actor: Actor,
    now: datetime,
) -> OneTimeLink:
    # A second invitation takes the place of the first: only the latest link works.
    db.session.execute(
        update(OneTimeLink)
        .where(
            OneTimeLink.kind == "invitation",
            OneTimeLink.organisation_id == organisation.id,
            func.lower(OneTimeLink.email) == email.strip().lower(),
            OneTimeLink.used_at.is_(None),
            OneTimeLink.expires_at > now,
        )
        .values(expires_at=now)
    )
    token = secrets.token_urlsafe(32)
    link = OneTimeLink(
        kind="invitation",
        token_hash=token_hash(token),
        email=email.strip(),
        organisation=organisation,
        created_at=now,
        created_by=actor.person,
        expires_at=now + INVITATION_LASTS,
        roles=[InvitedRole(role=role) for role in sorted(set(roles))],
    )
    db.session.add(link)
    db.session.flush()
    audit.record("Invited a person", organisation, actor=actor, now=now, roles=sorted(set(roles)), invitation=link.id)
    letters.invite(link, token, person=person, inviter=actor.name, now=now)
    return link


def withdraw_invitation(link_id: int, *, actor: Actor, now: datetime) -> None:
    """Make an invitation of one's organisation worthless."""
    actor.must(Permission.ADMINISTER_ORGANISATION)
    for link in queries.open_invitations(actor.organisation, now=now):
        if link.id == link_id:
            link.expires_at = now
            audit.record("Withdrew an invitation", queries.organisation(actor.organisation), actor=actor, now=now)
            return
    raise NotFound("This invitation is no longer open.")


def accept_invitation(token: str, person: Person, *, now: datetime) -> Organisation:
    """Gain the roles an invitation offers. Only whose address it was sent to."""
    link = queries.one_time_link("invitation", token_hash(token), now=now)
    if person.email.lower() != link.email.lower():
        raise NotAllowed("This invitation was sent to another address. Sign out, then open the link again.")
    return _accept(token, person, now=now)


def join(token: str, *, name: str, password: str, now: datetime) -> tuple[Person, Organisation]:
    """Become a person of the marketplace by an invitation. The link came to the address, which proves whose it is."""
    link = queries.one_time_link("invitation", token_hash(token), now=now)
    person = add_person(name=name, email=link.email, password=password, now=now)
    return person, _accept(token, person, now=now)


def _accept(token: str, person: Person, *, now: datetime) -> Organisation:
    link = take_link(token, now=now)
    organisation = link.organisation
    assert organisation is not None  # a constraint of the table
    actor = queries.as_actor(person, organisation, (offered.role for offered in link.roles))
    for offered in link.roles:
        grant_role(person, organisation, offered.role, now=now, actor=actor)
    if organisation.claimed_at is None:
        organisation.claimed_at = now
        audit.record("Took charge of the organisation", organisation, actor=actor, now=now)
    audit.record("Accepted an invitation", organisation, actor=actor, now=now, invitation=link.id)
    db.session.flush()
    return organisation


def remove_role(person_id: int, role: Role, *, actor: Actor, now: datetime) -> None:
    """Take a role from a person of one's organisation, at once. Never the last administrator's."""
    actor.must(Permission.ADMINISTER_ORGANISATION)
    # Two administrators who remove each other at once: the organisation's row lets one of them.
    organisation = db.session.scalars(
        select(Organisation).where(Organisation.id == actor.organisation).with_for_update()
    ).one()
    grants = db.session.scalars(
        select(RoleGrant).where(RoleGrant.organisation_id == organisation.id, RoleGrant.role == role)
    ).all()
    for grant in grants:
        if grant.person_id == person_id:
            if role is Role.ADMINISTRATOR and len(grants) == 1:
                raise Refused("This is the last administrator. Invite another one first.")
            db.session.delete(grant)
            what = f"Took a role from a person: {role.label}"
            audit.record(what, organisation, actor=actor, now=now, person=person_id, role=role.value)
            db.session.flush()
            return
    raise NotFound("This person does not hold this role.")


def clear_second_factor(person_id: int, *, actor: Actor, now: datetime) -> Person:
    """Take a colleague's lost authenticator app off, so that they set up another at the next sign-in; signs them out.

    Refused for oneself (that needs one's own password), to whoever has no authenticator app on their own account (a
    password alone shall not open another's), and for somebody who also works for a commissioning body or the framework
    team when one's own organisation is neither: only an administrator there may.
    """
    actor.must(Permission.ADMINISTER_ORGANISATION)
    organisation = queries.organisation(actor.organisation)
    colleague = queries.colleague(organisation.id, person_id, lock=True)
    if colleague.id == actor.person:
        raise NotAllowed("Replace or turn off your own authenticator app on your account page.")
    if colleague.totp_confirmed_at is None:
        raise AlreadyDone(f"{colleague.name} has no authenticator app set up.")
    if queries.person(actor.person).totp_confirmed_at is None:
        raise NotAllowed("Set up an authenticator app on your own account first.")
    if organisation.is_supplier and queries.is_staff(colleague.id):
        raise NotAllowed(
            f"{colleague.name} also works for a commissioning body or the framework team. Only an administrator there "
            "can clear their authenticator app."
        )
    colleague.totp_secret = colleague.totp_confirmed_at = colleague.totp_last_step = None
    end_sessions(colleague.id, now=now)
    audit.record("Cleared the authenticator app of a person", organisation, actor=actor, now=now, person=colleague.id)
    audit.record("The authenticator app was cleared", colleague, actor=actor, now=now)
    db.session.flush()
    letters.tell_of_cleared(colleague, administrator=actor.name, organisation=organisation.name, now=now)
    return colleague
