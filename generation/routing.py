"""The addresses that Channels consumers serve; every other one is Django's."""

from channels.routing import URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path, re_path

from generation.consumers.batch import BatchStream
from generation.consumers.generate import Generate, GenerateStream
from generation.consumers.health import Health, Readiness
from generation.consumers.poll import RunEvents
from generation.consumers.socket import NoSuchSocket, RunSocket, Socket
from generation.consumers.stream import RunStream, StartStream

http = URLRouter(
    [
        path("api/generate", Generate.as_asgi()),
        path("api/generate-stream", GenerateStream.as_asgi()),
        path("healthz", Health.as_asgi()),
        path("readyz", Readiness.as_asgi()),
        path("api/runs/stream", StartStream.as_asgi()),
        path("api/runs/<str:run_id>/stream", RunStream.as_asgi()),
        path("api/runs/<str:run_id>/events", RunEvents.as_asgi()),
        path("api/batches/<str:batch_id>/stream", BatchStream.as_asgi()),
        re_path("", get_asgi_application()),  # type: ignore[arg-type]
    ]
)

websocket = URLRouter(
    [
        path("ws/", Socket.as_asgi()),
        path("ws/runs/<str:run_id>/", RunSocket.as_asgi()),
        re_path("", NoSuchSocket.as_asgi()),
    ]
)
