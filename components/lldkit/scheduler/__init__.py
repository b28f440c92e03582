"""The scheduler."""

__all__: list[str] = []
