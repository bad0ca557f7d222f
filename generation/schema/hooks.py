"""Where drf-spectacular takes our word for it: it finds the views, we say what they do.

The views take and give plain JSON that no serializer describes in full, and the consumers are none of its views at all.
So every operation stands in one of the tables of this package, and one that is missing there is an error.
"""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry

from generation.schema import consumers, documents, exports, library, privacy, programs, rest, shares
from generation.schema.components import components
from generation.schema.json_schema import needed_by
from generation.schema.operation import HEADERS
from generation.schema.security import security_schemes

Document = dict[str, Any]

VIEWS = {
    **rest.OPERATIONS,
    **library.OPERATIONS,
    **privacy.OPERATIONS,
    **programs.OPERATIONS,
    **exports.OPERATIONS,
    **shares.OPERATIONS,
    **documents.OPERATIONS,
}
TAGS = {
    "Runs": "Start, look at, steer and delete runs.",
    "Streams": "Watch runs. Sockets are in `/api/asyncapi.json`.",
    "Batches": "Many runs asked for together.",
    "Programs": "What was written, edited, approved and copied.",
    "Library": "The exercises that programs are made of.",
    "Metrics": "What runs take, and took.",
    "Older clients": "Endpoints that speak older dialects; each starts or follows a normal run.",
    "Documents": "The API about itself.",
    "Health": "For load balancers and supervisors.",
}


class DescribedView(AutoSchema):
    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> Document | None:
        """The operation that our tables have for this view. Raises KeyError for one that nobody has described."""
        return None if self.is_excluded() else VIEWS[method, path]


def complete(result: Document, **given: Any) -> Document:
    """The postprocessing hook: the consumers' paths, the components, and who may ask."""
    for (method, path), operation in consumers.OPERATIONS.items():
        result["paths"].setdefault(path, {})[method.lower()] = operation
    result["paths"] = dict(sorted(result["paths"].items()))
    schemas = needed_by(result["paths"], components())
    result["components"] = {"schemas": schemas, "headers": HEADERS, "securitySchemes": security_schemes()}
    result["tags"] = [{"name": name, "description": description} for name, description in TAGS.items()]
    return result
