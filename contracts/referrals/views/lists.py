"""The referrals somebody sent or delivers, and finding one person's among them."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for

from contracts.referrals import actions, forms, queries
from contracts.referrals.models import Referral
from contracts.referrals.rules import UNSENT, ReferralStatus
from contracts.referrals.views import bp
from marketplace.access import Permission, acting, audience
from marketplace.paging import Page


@bp.get("/")
@audience(Permission.SEE_REFERRALS)
def index() -> str:
    """The referrals this person sent or delivers, latest first."""
    actor = acting()
    status = next((one for one in ReferralStatus if one.value == request.args.get("status")), None)
    mine = request.args.get("mine") == "yes"
    news = request.args.get("news") == "yes"
    page = queries.page_for(actor, status=status, mine=mine, news=news, number=request.args.get("page", 1, type=int))
    return _index(page, forms.FindForm(), status=status, mine=mine, news=news)


@bp.post("/find")
@audience(Permission.SEE_REFERRALS)
def find() -> str:
    """The referrals of one person, among those that the asker may see."""
    form = forms.FindForm()
    if not form.validate_on_submit():
        return _index(queries.page_for(acting(), status=None, mine=False, number=1), form)
    mark = actions.fingerprint(str(form.crn.data))
    return _index(queries.page_for(acting(), status=None, mine=False, number=1, fingerprint=mark), form, found=True)


def _index(
    page: Page[Referral],
    form: forms.FindForm,
    *,
    status: ReferralStatus | None = None,
    mine: bool = False,
    news: bool = False,
    found: bool = False,
) -> str:
    kept: dict[str, Any] = {
        "status": status.value if status else None,
        "mine": "yes" if mine else None,
        "news": "yes" if news else None,
    }
    return render_template(
        "contracts/referrals/index.html",
        page=page,
        form=form,
        statuses=[one for one in ReferralStatus if acting().may(Permission.REFER) or one not in UNSENT],
        status=status,
        mine=mine,
        news=news,
        found=found,
        page_url=lambda number: url_for("referrals.index", page=number, **kept),
    )
