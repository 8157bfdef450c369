"""Forms of accounts."""

from __future__ import annotations

from collections.abc import Iterable

from wtforms.validators import Length

from marketplace.access import Role
from marketplace.accounts.rules import SHORTEST_PASSWORD, SupplierStatus
from marketplace.forms import Choice, Choices, Email, Form, Password, Text, required

_NAME = Length(max=200, message="This must be 200 characters or fewer")
_LONG = Length(max=254, message="An email address has 254 characters or fewer")
NEW_PASSWORD = f"{SHORTEST_PASSWORD} characters or more. Three words that you remember work well."


class SignInForm(Form):
    """Address and password."""

    email = Email("Email address", validators=[required("Enter your email address"), _LONG])
    password = Password("Password", validators=[required("Enter your password")])


class CodeForm(Form):
    """The authenticator's six digits."""

    code = Text("Code from your authenticator app", validators=[required("Enter the six digits your app shows")])


class SignUpForm(Form):
    """A supplier and its first person."""

    organisation_name = Text(
        "Name of your organisation", validators=[required("Enter the name of your organisation"), _NAME]
    )
    supplier_status = Choice(
        "What kind of organisation is it?",
        choices=[(status.value, status.label) for status in SupplierStatus],
        missing="Choose what kind of organisation it is",
    )
    company_number = Text("Company number", description="Eight characters, like 01234567 or SC123456")
    charity_number = Text("Charity number", description="Like 1234567, SC012345 or NIC123456")
    name = Text("Your full name", validators=[required("Enter your full name"), _NAME])
    email = Email("Your email address", validators=[required("Enter your email address"), _LONG])
    password = Password(
        "Choose a password",
        description=NEW_PASSWORD,
        validators=[required("Choose a password")],
    )


class ForgottenForm(Form):
    """Where to send the link."""

    email = Email("Email address", validators=[required("Enter your email address"), _LONG])


class NewPasswordForm(Form):
    """A new password, by a link that proves who asks."""

    password = Password("New password", description=NEW_PASSWORD, validators=[required("Choose a password")])


class ChangePasswordForm(Form):
    """A new password, by the old one."""

    old = Password("Your password now", validators=[required("Enter your password")])
    password = Password("New password", description=NEW_PASSWORD, validators=[required("Choose a password")])


class ProveForm(Form):
    """The password, once more."""

    password = Password("Your password", validators=[required("Enter your password")])


class JoinForm(Form):
    """Somebody new, by an invitation."""

    name = Text("Your full name", validators=[required("Enter your full name"), _NAME])
    password = Password("Choose a password", description=NEW_PASSWORD, validators=[required("Choose a password")])


class AcceptForm(Form):
    """One button."""


class InviteForm(Form):
    """Whom to invite, and as what."""

    email = Email("Their email address", validators=[required("Enter their email address"), _LONG])
    roles = Choices("What they will do", missing="Choose at least one role")

    def offer(self, roles: Iterable[Role]) -> None:
        """Offer these roles."""
        self.roles.choices = [(role.value, role.label) for role in roles]


class HandOverForm(Form):
    """Whom to hand an organisation to."""

    email = Email("Email address of its first administrator", validators=[required("Enter their email address"), _LONG])
