"""Where staff look at statements and at what banks and the ledger disagree on."""
