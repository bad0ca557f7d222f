import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hepcompanion.settings")
get_asgi_application()

# Importing these needs the apps to be loaded, which the call above did.
from channels.routing import ProtocolTypeRouter  # noqa: E402

from generation import routing  # noqa: E402
from hepcompanion import access_logs, daphne_closing  # noqa: E402, F401 - it is enough to import them
from hepcompanion.cors import OtherOrigins  # noqa: E402
from hepcompanion.dropping import WithConnection  # noqa: E402
from hepcompanion.guard import Guard  # noqa: E402
from hepcompanion.lifecycle import lifespan  # noqa: E402

application = WithConnection(
    OtherOrigins(
        Guard(ProtocolTypeRouter({"http": routing.http, "websocket": routing.websocket, "lifespan": lifespan}))
    )
)
