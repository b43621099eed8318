from django.db import migrations

from nexapay.kernel.lookups import join, look_up

# As wallet/0012: no plan of these may read a whole table.
FUNCTIONS = [
    "onramp_judge_events",
    "onramp_judge_successes",
    "onramp_judge_requests",
    "onramp_judge_payouts",
    "onramp_tell",
    "onramp_tell_withdrawals",
]


class Migration(migrations.Migration):
    dependencies = [("onramp", "0027_events_are_judged_together")]
    operations = [migrations.RunSQL(look_up(FUNCTIONS), reverse_sql=join(FUNCTIONS))]
