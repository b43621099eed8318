from django.db import migrations

# Under an OR, PostgreSQL may answer an EXISTS from a hash of the whole table that it asks about.
# For many balances at once it did, and read every entry there is, in each call for as long as the
# connection lived. OFFSET 0 takes nothing away, and forbids that form: what is left is to look the
# entry up for each balance, by its index. The same for the one other EXISTS of such a form.
#
# Subqueries that count or sum for one row have no such form. Of joins see 0012.
HASHED = [
    ("wallet_judge_balances", "n.version = b.version + 1"),
    ("wallet_judge_checkpoints", "l.index = f.size - 1"),
]


def rewritten(function: str, text: str, instead: str) -> str:
    """Return SQL that writes the function anew with one text in place of another."""
    return f"""
    DO $do$ BEGIN
      EXECUTE replace(pg_get_functiondef('{function}'::regproc), '{text})', '{instead})');
    END $do$;
    """


class Migration(migrations.Migration):
    dependencies = [("wallet", "0009_people_are_told")]
    operations = [
        migrations.RunSQL(
            rewritten(function, asked, f"{asked} OFFSET 0"),
            reverse_sql=rewritten(function, f"{asked} OFFSET 0", asked),
        )
        for function, asked in HASHED
    ]
