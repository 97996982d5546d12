"""SQLAlchemy's own suite of dialect tests, in a pytest of its own."""
