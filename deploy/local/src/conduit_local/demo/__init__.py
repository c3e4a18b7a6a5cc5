"""The sample referrals at work: partners, officers and forces act on a running stack, and what comes of it is compared.

Read it in this order: `cases` and `samples` (what the files say), `partners`, `officers` and `connectors` (who acts),
`observer`, `observations` and `ledger` (what is seen), `expectations` and `notices` (who judges), `run`, `report`
and `command`.
"""
