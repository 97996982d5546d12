"""The shop as it was: Flask-SQLAlchemy's engine for the ORM, and a second engine for SQL and pandas."""

from __future__ import annotations

import configparser
import os
from typing import Any

import pandas as pd
from flask import Flask, jsonify
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import create_engine, text

db = SQLAlchemy()


class Order(db.Model):  # type: ignore[name-defined, misc]
    __tablename__ = "shop_orders"

    id = db.Column(db.Integer, primary_key=True)
    city = db.Column(db.String(20))
    amount = db.Column(db.Integer)


def create_app() -> Flask:
    """The application: /orm, /sql and /frame each read a city's orders their own way, /sell changes one."""
    ini = configparser.RawConfigParser()
    ini.read(os.environ["APP_INI"])
    uri = ini["APP"]["SQLALCHEMY_DATABASE_URI"]

    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = uri
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        "pool_size": 20,
        "max_overflow": 5,
        "pool_timeout": 100,
        "pool_recycle": 280,
    }
    db.init_app(app)
    engine = create_engine(uri, pool_size=20, max_overflow=5, pool_timeout=100, pool_recycle=280)

    @app.route("/orm/<city>")
    def orm(city: str) -> Any:
        return jsonify(sum(order.amount for order in Order.query.filter_by(city=city)))

    @app.route("/sql/<city>")
    def sql(city: str) -> Any:
        with engine.connect() as connection:
            found = connection.execute(text("select sum(amount) from shop_orders where city = :city"), {"city": city})
            return jsonify(int(found.scalar()))

    @app.route("/frame/<city>")
    def frame(city: str) -> Any:
        orders = pd.read_sql_query(text("select city, amount from shop_orders"), engine)
        return jsonify(int(orders[orders["city"] == city]["amount"].sum()))

    @app.route("/sell/<int:number>")
    def sell(number: int) -> Any:
        order = Order.query.get(number)
        order.amount = order.amount + 1
        db.session.commit()
        return jsonify(order.id)

    return app
