"""The nightly batch on orapool: the web application's settings, named by ORAPOOL_CONFIG, and one session."""

from __future__ import annotations

import sys

import orapool

with orapool.transaction() as connection, connection.cursor() as cursor:
    cursor.execute("update shop_orders set amount = amount * 2 where city = 'Basel'")
    done = cursor.rowcount

print(f"{done} orders")
sys.exit(0 if done else 1)
