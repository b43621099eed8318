from django.db import migrations

# Compared where the row stands, in WHEN: nothing is called for what is allowed.
GUARDS = """
CREATE FUNCTION accounts_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE '% on % is refused: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = '23001';
END $$;

CREATE TRIGGER notice_stays BEFORE DELETE OR TRUNCATE ON accounts_notice
  FOR EACH STATEMENT EXECUTE FUNCTION accounts_refuse('what people were told is kept');

CREATE TRIGGER notice_keeps_its_words BEFORE UPDATE ON accounts_notice
  FOR EACH ROW WHEN (
    (NEW.id, NEW.user_id, NEW.kind, NEW.subject, NEW.amount_minor, NEW.currency, NEW.who,
      NEW.happened_at)
    IS DISTINCT FROM
    (OLD.id, OLD.user_id, OLD.kind, OLD.subject, OLD.amount_minor, OLD.currency, OLD.who,
      OLD.happened_at))
  EXECUTE FUNCTION accounts_refuse('it says what it said');

-- A mail is sent by who took it from waiting, and that alone counts as an attempt: so nobody takes
-- it a second time, and one that was sent is never sent again.
CREATE TRIGGER notice_is_mailed_once BEFORE UPDATE ON accounts_notice
  FOR EACH ROW WHEN (
    NEW.mail_status <> OLD.mail_status
      AND (OLD.mail_status || '>' || NEW.mail_status) NOT IN ('waiting>sending', 'waiting>none',
        'sending>sent', 'sending>waiting', 'sending>failed', 'failed>waiting')
    OR NEW.mail_attempts <> OLD.mail_attempts
      AND (OLD.mail_status || '>' || NEW.mail_status) <> 'waiting>sending')
  EXECUTE FUNCTION accounts_refuse('its mail is taken once, and sent is the end of it');

CREATE TRIGGER notice_mail_has_its_times BEFORE UPDATE ON accounts_notice
  FOR EACH ROW WHEN (
    (NEW.mail_at IS NOT NULL) <> (NEW.mail_status IN ('waiting', 'sending', 'failed'))
    OR (NEW.mailed_at IS NOT NULL) <> (NEW.mail_status = 'sent'))
  EXECUTE FUNCTION accounts_refuse('what is open has its time, and so has what was sent');
"""
NO_GUARDS = "DROP FUNCTION accounts_refuse CASCADE;"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_notices")]
    operations = [migrations.RunSQL(GUARDS, reverse_sql=NO_GUARDS)]
