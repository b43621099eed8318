from django.db import migrations

from nexapay.kernel.lookups import join, look_up

# 0010 took for safe what is not: beside bloated indexes PostgreSQL joined a batch with whole tables
# as well (a merge, or all of it kept in memory), by the plan that a connection keeps.
FUNCTIONS = [
    "wallet_judge_entries",
    "wallet_judge_balances",
    "wallet_judge_leaves",
    "wallet_judge_holds",
    "wallet_tell",
]
USING = (r"wallet_balance b USING \(wallet_id\)", "wallet_balance b ON b.wallet_id = f.wallet_id")


class Migration(migrations.Migration):
    dependencies = [("wallet", "0011_judged_in_fewer_words")]
    operations = [migrations.RunSQL(look_up(FUNCTIONS, USING), reverse_sql=join(FUNCTIONS))]
