"""What session_pool.py is made of: a session's way in, out and back, and what goes on behind that."""
