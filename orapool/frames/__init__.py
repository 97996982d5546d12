"""The way in for DataFrames: pandas, Arrow and polars over the sessions of an orapool pool."""

from orapool.frames.reading import iter_df, read_arrow, read_df, read_polars

__all__ = ["iter_df", "read_arrow", "read_df", "read_polars"]
