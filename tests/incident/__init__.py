"""The incident's application and batch script, as its team wrote them and as they are on orapool."""
