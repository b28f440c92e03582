"""Payments."""

__all__: list[str] = []
