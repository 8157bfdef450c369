"""What is done to agreements: drawing them from awards, signing, making their documents, importing the register."""

from contracts.agreements.actions.drawing import draw_agreement
from contracts.agreements.actions.granting import instalments_now, must_leave_claims, write_schedule
from contracts.agreements.actions.holding import hold, hold_contract
from contracts.agreements.actions.importing import ImportResult, Refusal, import_register
from contracts.agreements.actions.signing import agree, document_made, sign, sign_version, want_document

__all__ = [
    "ImportResult",
    "Refusal",
    "agree",
    "document_made",
    "draw_agreement",
    "hold",
    "hold_contract",
    "import_register",
    "instalments_now",
    "must_leave_claims",
    "sign",
    "sign_version",
    "want_document",
    "write_schedule",
]
