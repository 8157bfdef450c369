"""Connected accounts: who is paid, what is still to be known of them, and the page where they say it."""

from __future__ import annotations

import secrets
from typing import Any

from marketplace.adapters.payments.stub import asking
from marketplace.adapters.payments.stub.asking import Params, StripeError
from marketplace.adapters.payments.stub.books import Books
from marketplace.adapters.payments.stub.store import Body

# What Stripe asks of a British organisation (docs.stripe.com/connect/required-verification-information).
ASKED = (
    *("business_profile.mcc", "business_profile.url", "business_type", "company.address.line1", "company.tax_id"),
    *("external_account", "owners.first_name", "representative.dob.day", "representative.first_name"),
    *("tos_acceptance.date", "tos_acceptance.ip"),
)
DOCUMENT = ("company.verification.document",)
LINK_SECONDS = 300.0
STANDINGS = ("complete", "checking", "document", "rejected")
ABLE = ("transfers", "card_payments")


class Accounts(Books):
    """Suppliers, here."""

    def create(self, params: Params) -> Body:
        """A new account, of which everything is still to be known.

        Unlike Stripe, one whose metadata says that it belongs to a demonstration is complete at once: nobody gives
        pretend particulars of some dozens of invented suppliers.
        """
        asking.only(
            params,
            *("type", "country", "email", "business_type", "business_profile", "capabilities", "controller"),
            *("metadata", "default_currency"),
        )
        capabilities = params.get("capabilities") or {}
        account: Body = {
            "id": f"acct_{secrets.token_hex(8)}",
            "object": "account",
            "business_profile": {"mcc": None, "name": None, "url": None, **(params.get("business_profile") or {})},
            "business_type": params.get("business_type"),
            "capabilities": dict.fromkeys(capabilities, "inactive"),
            "charges_enabled": False,
            "controller": {"type": "application", **(params.get("controller") or {})},
            "country": asking.one_of(params, "country", "GB", ("GB",)),
            "created": self.now(),
            "default_currency": "gbp",
            "details_submitted": False,
            "email": params.get("email"),
            "metadata": asking.metadata(params),
            "payouts_enabled": False,
            "requirements": _wanting(ASKED, past_due=True),
            "type": "none",
        }
        self._store.put(account)
        if account["metadata"].get("demonstration") == "yes":
            self.stand(account["id"], "complete")
        return self.find("account", account["id"])

    def stand(self, account_id: str, standing: str) -> Body:
        """What the owner's answers, or Stripe's checks of them, have come to."""
        account = self.find("account", account_id)
        if standing not in STANDINGS:
            raise StripeError(f"An account is made {', '.join(STANDINGS)}")
        state = {"complete": "active", "checking": "pending", "document": "inactive", "rejected": "inactive"}[standing]
        able = standing == "complete"
        account["capabilities"] = dict.fromkeys(account["capabilities"], state)
        account |= {"charges_enabled": able, "payouts_enabled": able, "details_submitted": True}
        account["requirements"] = {
            "complete": _wanting(()),
            "checking": {**_wanting(()), "pending_verification": list(DOCUMENT)},
            "document": _wanting(DOCUMENT, past_due=True),
            "rejected": {**_wanting(()), "disabled_reason": "rejected.other"},
        }[standing]
        if standing == "checking":
            account["requirements"]["disabled_reason"] = "requirements.pending_verification"
        self._store.put(account)
        self.tell("account.updated", account, account=account_id)
        return account

    def destination(self, params: Params) -> str | None:
        """The account that an invoice's money goes on to, which must be one of ours."""
        given = params.get("transfer_data")
        if given is not None and not isinstance(given, dict):
            raise StripeError("Invalid object", param="transfer_data")
        account = None
        if given:
            asking.only(given, "destination", "amount")
            account = asking.required(given, "destination")
        for name, id_ in (("on_behalf_of", params.get("on_behalf_of")), ("transfer_data[destination]", account)):
            if id_ and self._store.get("account", id_) is None:
                what = "on_behalf_of" if name == "on_behalf_of" else "destination"
                raise StripeError(f"No such {what}: '{id_}'", code="resource_missing", param=name)
        return account

    def must_be_able(self, account_id: str | None) -> None:
        """Refuses an account that Stripe would send no money to yet."""
        if account_id is None:
            return
        account = self.find("account", account_id)
        if any(account["capabilities"].get(name) != "active" for name in ABLE):
            raise StripeError(
                "Your destination account needs to have at least one of the following capabilities enabled: "
                "transfers, crypto_transfers, legacy_payments",
                code="insufficient_capabilities_for_transfer",
                executed=True,
            )

    # The page where the owner says what is asked

    def link(self, params: Params, *, base: str) -> Body:
        """An address that opens the page, once and soon."""
        asking.only(params, "account", "refresh_url", "return_url", "type", "collection_options")
        account = self.find("account", asking.required(params, "account"), "account", status=400)
        asking.one_of(params, "type", "", ("account_onboarding",))
        token, until = secrets.token_urlsafe(24), self._store.clock() + LINK_SECONDS
        visit = {
            "account": account["id"],
            "return_url": asking.required(params, "return_url"),
            "refresh_url": asking.required(params, "refresh_url"),
            "until": until,
            "opened": False,
        }
        self._store.note(f"link {token}", visit)
        url = f"{base}/setup/{token}"
        return {"object": "account_link", "created": self.now(), "expires_at": int(until), "url": url}

    def opened(self, token: str) -> tuple[dict[str, Any], bool] | None:
        """The visit behind a link, and whether it may still begin; None for an invented link."""
        visit: dict[str, Any] | None = self._store.recall(f"link {token}")
        if visit is None:
            return None
        fresh = not visit["opened"] and visit["until"] >= self._store.clock()
        self._store.note(f"link {token}", {**visit, "opened": True})
        return visit, fresh


def _wanting(fields: tuple[str, ...], *, past_due: bool = False) -> Body:
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": list(fields),
        "disabled_reason": "requirements.past_due" if fields and past_due else None,
        "errors": [],
        "eventually_due": list(fields),
        "past_due": list(fields) if past_due else [],
        "pending_verification": [],
    }
