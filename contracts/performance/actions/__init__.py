"""Writes of performance: targets proposed and agreed, scorecards made, commented on, reviewed and acted on; late
referrals asked about; quality reviews."""

from contracts.performance.actions.chasing import chase
from contracts.performance.actions.improving import close, comment, reopen, resolve, review, say_done
from contracts.performance.actions.reviewing import begin_review, finish_review, keep_review
from contracts.performance.actions.scoring import make_scorecards
from contracts.performance.actions.targets import agree, agree_all, decline, propose, propose_usual, take_back

__all__ = [
    "agree",
    "agree_all",
    "begin_review",
    "chase",
    "close",
    "comment",
    "decline",
    "finish_review",
    "keep_review",
    "make_scorecards",
    "propose",
    "propose_usual",
    "reopen",
    "resolve",
    "review",
    "say_done",
    "take_back",
]
