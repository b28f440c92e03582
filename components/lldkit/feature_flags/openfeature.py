"""OpenFeature: our flags behind its API, for who would rather not depend on ours. Needs the extra `openfeature`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEventDetails
from openfeature.exception import ErrorCode, GeneralError, ProviderFatalError
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.provider import AbstractProvider, Metadata

from lldkit.feature_flags.client import FlagClient
from lldkit.feature_flags.context import EMPTY, Context
from lldkit.feature_flags.interface import FlagEvent, FlagsChanged, SourceBack, SourceLost
from lldkit.snapshot import Subscription

__all__ = ["LldkitProvider"]

T = TypeVar("T")
Object = Sequence[FlagValueType] | Mapping[str, FlagValueType]


class LldkitProvider(AbstractProvider):
    """A provider that asks a `FlagClient`; the client stays its owner's, who also decides how it follows its store.

    Attributes may hold dates, which are read as RFC 3339 texts; a naive one is taken for UTC. The asynchronous
    resolvers are the others: nothing waits here. A client that has no document yet answers PROVIDER_NOT_READY. Reasons
    that OpenFeature does not know (PREREQUISITE_FAILED, OVERRIDE) are passed on as they are.

    `initialize` fails where there is no document, fatally where there is a malformed one; what the client reads later
    makes the provider ready. A swap is told as PROVIDER_CONFIGURATION_CHANGED, a store that does not answer as
    PROVIDER_STALE, and as PROVIDER_READY when it does again. `shutdown` ends that, and may be called twice.
    """

    def __init__(self, client: FlagClient) -> None:
        super().__init__()
        self._client = client
        self._subscription = Subscription()
        self._is_ready = False

    def get_metadata(self) -> Metadata:
        """The name of the provider."""
        return Metadata("lldkit")

    # --- its life ---

    def initialize(self, evaluation_context: EvaluationContext) -> None:  # noqa: ARG002
        """Listen to the client; GeneralError or ProviderFatalError where it has nothing to serve."""
        self.shutdown()
        self._subscription = self._client.subscribe(self._hear)
        self._is_ready = self._client.version > 0
        if not self._is_ready:
            problems = "; ".join(map(str, self._client.problems))
            raise ProviderFatalError(problems) if problems else GeneralError("there is no flag document yet")

    def shutdown(self) -> None:
        """Listen no more."""
        self._subscription.close()

    def _hear(self, event: FlagEvent) -> None:
        match event:
            case FlagsChanged():
                if not self._is_ready:
                    self._is_ready = True
                    self.emit_provider_ready(ProviderEventDetails())
                self.emit_provider_configuration_changed(ProviderEventDetails(flags_changed=sorted(event.changed)))
            case SourceLost():
                self.emit_provider_stale(ProviderEventDetails(message="the store of the flags does not answer"))
            case SourceBack() if self._is_ready:
                self.emit_provider_ready(ProviderEventDetails())
            case _:
                pass

    # --- resolvers ---

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        """A boolean flag."""
        return self._resolve(flag_key, default_value, evaluation_context)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """A string flag."""
        return self._resolve(flag_key, default_value, evaluation_context)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """An integer flag; a boolean is none."""
        return self._resolve(flag_key, default_value, evaluation_context)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """A float flag, or an integer flag as a float."""
        return self._resolve(flag_key, float(default_value), evaluation_context)

    def resolve_object_details(
        self, flag_key: str, default_value: Object, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[Object]:
        """An object flag."""
        return self._resolve(flag_key, default_value, evaluation_context)

    def _resolve(self, key: str, default: T, given: EvaluationContext | None) -> FlagResolutionDetails[T]:
        if not self._client.version:
            return _error(default, ErrorCode.PROVIDER_NOT_READY, "there is no flag document yet")
        try:
            context = EMPTY if given is None else Context(given.targeting_key, _json(given.attributes))
        except (TypeError, ValueError) as error:
            return _error(default, ErrorCode.INVALID_CONTEXT, str(error))
        found = self._client.details(key, default, context)
        if found.error_code is not None:
            return _error(default, ErrorCode(found.error_code.value), found.error_message)
        return FlagResolutionDetails(
            found.value, reason=found.reason.value, variant=found.variant, flag_metadata=dict(found.metadata)
        )


def _error(default: T, code: ErrorCode, message: str | None) -> FlagResolutionDetails[T]:
    return FlagResolutionDetails(default, code, message, Reason.ERROR)


def _json(value: Any) -> Any:
    """An attribute without dates."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    if isinstance(value, Mapping):
        return {name: _json(each) for name, each in value.items()}
    return [_json(each) for each in value] if isinstance(value, list | tuple) else value
