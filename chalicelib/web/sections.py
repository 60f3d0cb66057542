"""The app's sections: which module has the pages below an address. It is imported when the first of them is asked for,
so that a cold start loads one section, not all of them, and a background function none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from threading import RLock
from typing import Any

from chalice.app import Chalice, RestAPIEventHandler

Routes = dict[str, dict[str, Any]]

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "api": ("api", "health"),
    "site_pages": ("", "cookies", "privacy", "accessibility", "static"),
    "form_pages": ("forms",),
    "idea_pages": ("ideas",),
    "map_pages": ("map",),
    "status_pages": ("status",),
    "claimant_pages": ("status",),
    "amend_pages": ("status",),
    "task_pages": ("tasks",),
    "reassign_pages": ("tasks", "desk"),
    "away_pages": ("away",),
    "desk_pages": ("desk",),
    "desk_case_pages": ("desk",),
    "desk_money_pages": ("desk",),
    "checks_pages": ("desk",),
    "export_pages": ("exports",),
    "sign_in_pages": ("sign-in", "sign-out"),
}
"""The first parts of a section's addresses. Its module and the blueprint in it have its name."""


class App(Chalice):
    """Chalice's app, with sections that are registered when they are needed."""

    def __init__(self, app_name: str) -> None:
        self._lock = RLock()
        self._is_registering = False
        self._sections: set[str] = set()
        self._routes: Routes = {}
        super().__init__(app_name)

    @property
    def routes(self) -> Routes:
        """Every route of every section: whoever packages the app, or looks at it whole, must miss none."""
        self._register(SECTIONS)
        return self._routes

    @routes.setter
    def routes(self, value: Routes) -> None:
        self._routes = value

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        """As Chalice's own, with the routes of the section that is asked."""
        path = event.get("requestContext", {}).get("resourcePath") or "/"
        first = path.strip("/").partition("/")[0]
        self._register(name for name, firsts in SECTIONS.items() if first in firsts)
        self.lambda_context = context
        middleware = self._get_middleware_handlers("http")
        handler = RestAPIEventHandler(self._routes, self.api, self.log, self.debug, middleware)
        self.current_request = handler.create_request_object(event, context)
        answer: dict[str, Any] = handler(event, context)
        return answer

    def _register(self, names: Iterable[str]) -> None:
        with self._lock:
            if self._is_registering:  # to register a route, Chalice looks at the routes
                return
            self._is_registering = True
            try:
                for name in names:
                    if name not in self._sections:
                        self._register_section(name)
                        self._sections.add(name)
            finally:
                self._is_registering = False

    def _register_section(self, name: str) -> None:
        if not self._sections:
            from chalicelib.web.views import current

            self.register_blueprint(current)
        self.register_blueprint(getattr(import_module(f"chalicelib.web.{name}"), name))
