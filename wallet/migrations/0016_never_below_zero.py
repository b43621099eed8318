from django.db import migrations

# What a column can never hold is said by its type. PostgreSQL reads the text of a CHECK anew in
# every statement, and what a domain asks but once for each connection (docs/decisions/0048). A
# domain asks in every session too, and asks NULL nothing.
#
# The columns become of a domain that asks nothing yet, so that no table is written anew; then it
# asks, of what they hold as well. No trigger may stand on a column that changes its type.
DOMAINS = """
DROP TRIGGER balance_made_with_holds ON wallet_balance;
DROP TRIGGER balance_locked_by_holds ON wallet_balance;
CREATE DOMAIN wallet_amount_minor AS bigint;
CREATE DOMAIN wallet_available_minor AS bigint;
CREATE DOMAIN wallet_locked_minor AS bigint;
ALTER TABLE wallet_transfer
  DROP CONSTRAINT transfer_amount_positive,
  ALTER amount_minor TYPE wallet_amount_minor;
ALTER TABLE wallet_entry
  DROP CONSTRAINT entry_not_negative,
  ALTER available_after_minor TYPE wallet_available_minor,
  ALTER locked_after_minor TYPE wallet_locked_minor;
ALTER TABLE wallet_balance
  DROP CONSTRAINT balance_available_not_negative,
  DROP CONSTRAINT balance_locked_not_negative,
  ALTER available_minor TYPE wallet_available_minor,
  ALTER locked_minor TYPE wallet_locked_minor;
ALTER DOMAIN wallet_amount_minor ADD CONSTRAINT amount_positive CHECK (VALUE > 0);
ALTER DOMAIN wallet_available_minor ADD CONSTRAINT available_not_negative CHECK (VALUE >= 0);
ALTER DOMAIN wallet_locked_minor ADD CONSTRAINT locked_not_negative CHECK (VALUE >= 0);
"""
DOMAINS_BACK = """
DROP TRIGGER balance_made_with_holds ON wallet_balance;
DROP TRIGGER balance_locked_by_holds ON wallet_balance;
ALTER TABLE wallet_transfer
  ALTER amount_minor TYPE bigint,
  ADD CONSTRAINT transfer_amount_positive CHECK (amount_minor > 0);
ALTER TABLE wallet_entry
  ALTER available_after_minor TYPE bigint,
  ALTER locked_after_minor TYPE bigint,
  ADD CONSTRAINT entry_not_negative
    CHECK (available_after_minor >= 0 AND locked_after_minor >= 0);
ALTER TABLE wallet_balance
  ALTER available_minor TYPE bigint,
  ALTER locked_minor TYPE bigint,
  ADD CONSTRAINT balance_available_not_negative CHECK (available_minor >= 0),
  ADD CONSTRAINT balance_locked_not_negative CHECK (locked_minor >= 0);
DROP DOMAIN wallet_amount_minor, wallet_available_minor, wallet_locked_minor;
"""

# As in 0008, but asked only of a statement that sets locked_minor: whoever does not, cannot change
# it, and PostgreSQL need not read the text of WHEN.
HELD = """
CREATE CONSTRAINT TRIGGER balance_made_with_holds AFTER INSERT ON wallet_balance
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.locked_minor <> 0)
  EXECUTE FUNCTION wallet_judge_locked();
CREATE CONSTRAINT TRIGGER balance_locked_by_holds AFTER UPDATE OF locked_minor ON wallet_balance
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.locked_minor <> OLD.locked_minor)
  EXECUTE FUNCTION wallet_judge_locked();
"""
STATE = [
    migrations.RemoveConstraint("balance", "balance_available_not_negative"),
    migrations.RemoveConstraint("balance", "balance_locked_not_negative"),
    migrations.RemoveConstraint("entry", "entry_not_negative"),
    migrations.RemoveConstraint("transfer", "transfer_amount_positive"),
]


class Migration(migrations.Migration):
    dependencies = [("wallet", "0015_neighbours_in_an_index")]
    operations = [
        migrations.RunSQL(
            DOMAINS + HELD,
            reverse_sql=DOMAINS_BACK + HELD.replace(" OF locked_minor", ""),
            state_operations=STATE,
        )
    ]
