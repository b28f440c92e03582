"""How rooms reach the engines that outlive a process: SQLite, PostgreSQL, Redis.

    from lldkit.engines.sqlite import Database           # one connection per thread, WAL, transactions
    from lldkit.engines.postgres import Postgres         # a DSN or a pool; needs the extra `postgres`
    from lldkit.engines.redis import Script, key         # Lua scripts and keys; needs the extra `redis`

Each module also holds `UNAVAILABLE`, the tuple of driver errors that mean "the engine cannot answer now"; a room
catches it and raises its own error from it. Nothing is imported here, so that each extra stays optional.
"""

__all__ = ()
