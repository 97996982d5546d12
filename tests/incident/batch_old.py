"""The nightly batch as it was: an engine of its own. Exit status 1 says that nothing was to be done."""

from __future__ import annotations

import configparser
import os
import sys

from sqlalchemy import create_engine, text

ini = configparser.RawConfigParser()
ini.read(os.environ["APP_INI"])
engine = create_engine(ini["APP"]["SQLALCHEMY_DATABASE_URI"], pool_size=20, max_overflow=5)

with engine.begin() as connection:
    done = connection.execute(text("update shop_orders set amount = amount * 2 where city = 'Basel'")).rowcount

print(f"{done} orders")
sys.exit(0 if done else 1)
