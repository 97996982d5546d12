"""Pools as others see them: what each process publishes, put together for `orapool top`, the page and metrics."""
