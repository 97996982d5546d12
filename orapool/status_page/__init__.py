"""A page that shows the pools of this application, with charts of the last ten minutes. Nothing mounts it by itself."""

from orapool.status_page.app import wsgi_app

__all__ = ["wsgi_app"]
