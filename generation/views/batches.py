"""Batches over REST."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import batches, idempotency, looks
from generation.models import Batch, User
from generation.serializers import batch_request, batch_snapshot
from generation.views.requests import accepted, actor, asked, created


def shown(batch: Batch, user: User) -> dict[str, object]:
    return batch_snapshot(batch, list(batches.rows(batch, user)), user)


class BatchList(APIView):
    def post(self, request: Request) -> Response:
        kind, inputs, max_parallel = batch_request(request.data)
        user = actor(request)
        batch, replayed = idempotency.once(
            user, asked(request, "batch", request.data), lambda: batches.start(user, kind, inputs, max_parallel)
        )
        return created(shown(batch, user), f"/api/batches/{batch.pk}", replayed)


class BatchDetail(APIView):
    def get(self, request: Request, batch_id: str) -> Response:
        user = actor(request)
        batch = batches.get_batch_for(user, batch_id)
        found = list(batches.rows(batch, user))
        looks.listed(user, found)
        return Response(batch_snapshot(batch, found, user))


class BatchCancel(APIView):
    def post(self, request: Request, batch_id: str) -> Response:
        user = actor(request)
        batch = batches.get_batch_for(user, batch_id)
        changed = batches.cancel(user, batch)
        return accepted(shown(batch, user), changed)


class BatchRetry(APIView):
    """The failed and cancelled rows again: the batch, with their new runs in the places of the old ones."""

    def post(self, request: Request, batch_id: str) -> Response:
        user = actor(request)
        batch = batches.get_batch_for(user, batch_id)
        again, replayed = idempotency.once(
            user, asked(request, "retry batch", batch_id), lambda: batches.retry(user, batch)
        )
        return created(shown(again, user), f"/api/batches/{batch.pk}", replayed)
