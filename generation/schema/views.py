"""The documents themselves, and the page that shows one. Anybody may read them: they hold nothing private."""

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation.schema import asyncapi


class OpenApi(SpectacularAPIView):
    """As JSON, whatever the client would rather have: no parser is needed that a browser lacks."""

    authentication_classes = ()
    renderer_classes = [JSONRenderer]


class AsyncApi(APIView):
    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> Response:
        return Response(asyncapi.document())


class Docs(SpectacularSwaggerSplitView):
    authentication_classes = ()
    url_name = "openapi"
    template_name = "generation/docs.html"
