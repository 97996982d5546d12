"""The shop on orapool: one pool for the ORM, SQL and pandas, set up in the file that ORAPOOL_CONFIG names."""

from __future__ import annotations

from typing import Any

import pandas as pd
from flask import Flask, jsonify
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text

import orapool
from orapool.flask import OraPool

db = SQLAlchemy()


class Order(db.Model):  # type: ignore[name-defined, misc]
    __tablename__ = "shop_orders"

    id = db.Column(db.Integer, primary_key=True)
    city = db.Column(db.String(20))
    amount = db.Column(db.Integer)


def create_app() -> Flask:
    """The application: /orm, /sql and /frame each read a city's orders their own way, /sell changes one."""
    app = Flask(__name__)
    OraPool(app)
    db.init_app(app)
    engine = orapool.engine()

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
