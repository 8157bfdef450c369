"""Publishing: the register of awards, CSV and OCDS."""
