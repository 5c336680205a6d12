"""graphql-core's executor, with objects that are finished already."""

from typing import Any

import orjson
from graphql import GraphQLObjectType, GraphQLResolveInfo
from graphql.execution import Executor
from graphql.pyutils import AwaitableOrValue, Path


class FinishedExecutor(Executor[Any]):
    """Leaves an object that comes as finished JSON as it is; orjson writes it into the answer."""

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_details_list: Any,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> AwaitableOrValue[Any]:
        """Complete an object, unless it is complete."""
        if isinstance(result, orjson.Fragment):
            return result
        return super().complete_object_value(
            return_type, field_details_list, info, path, result, position_context
        )
