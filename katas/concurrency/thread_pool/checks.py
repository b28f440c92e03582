"""The scenarios: one thread that makes a pool and ends it, and the pool's own threads, under the scheduler."""

import threading

from lldkit.dojo.author import scenario


class Down(BaseException):
    """What a task raises that is no Exception, as a cancellation."""


def caught(call):
    """What `call` returns, or the name of what it raises."""
    try:
        return call()
    except (Exception, Down) as error:
        return type(error).__name__


@scenario(level=1, schedules=1)
def no_worker_no_pool(make):
    """A pool without workers takes everything and does nothing; the mistake is to be told where it is made."""
    return {"main": lambda: None}, lambda: make.expect(make.outcome(make, 0), "ValueError")


@scenario(level=1, kills=["w04"], schedules=60, smoke=True)
def a_task_wakes_a_worker(make):
    """The task lies in the queue, the worker sleeps beside it, and the page loads for ever."""
    told = []

    def main():
        pool = make(1)
        told.append(pool.submit(pow, 2, 3).result())
        told.append(pool.submit(pow, 2, 4).result())
        pool.shutdown()

    return {"main": main}, lambda: make.expect(told, [8, 16])


@scenario(level=1, kills=["w01"], schedules=20)
def an_error_stays_with_its_task(make):
    """One bad message, and a worker less; by evening there is none."""
    told = []

    def fails(error):
        raise error

    def main():
        pool = make(1)
        futures = [pool.submit(fails, KeyError("a")), pool.submit(fails, Down()), pool.submit(pow, 2, 3)]
        told.extend(caught(future.result) for future in futures)
        pool.shutdown()

    return {"main": main}, lambda: make.expect(told, ["KeyError", "Down", 8])


@scenario(level=1, schedules=30)
def tasks_start_in_order(make):
    """The first to come waits longest: on a busy day it is never served."""
    ran = []

    def main():
        pool = make(1)
        for number in range(4):
            pool.submit(ran.append, number)
        pool.shutdown()

    return {"main": main}, lambda: make.expect(ran, [0, 1, 2, 3])


@scenario(level=1, kills=["w08"], schedules=40, spurious_wakeups=True, max_steps=2_000)
def a_wake_up_is_no_task(make):
    """`wait` may return although nobody has notified: a worker that goes home then is one that nobody misses until Monday."""
    told, meeting = [], threading.Barrier(2)

    def meet():
        told.append(meeting.wait())

    def main():
        pool = make(2)
        pool.submit(meet)
        pool.submit(meet)
        pool.shutdown()

    return {"main": main}, lambda: make.expect(sorted(told), [0, 1])


@scenario(level=1, schedules=20)
def workers_work_side_by_side(make):
    """Two workers who wait for each other are one worker, at the price of two."""
    told, meeting = [], threading.Barrier(2)

    def meet():
        meeting.wait()

    def main():
        pool = make(2)
        futures = [pool.submit(meet), pool.submit(meet)]
        told.extend(future.result() for future in futures)
        pool.shutdown()

    return {"main": main}, lambda: make.expect(told, [None, None])


@scenario(level=1, kills=["w07"], schedules=10, race_timeouts=False)
def there_are_never_more_than_the_workers(make):
    """The database takes ten connections, and there are a thousand threads."""
    clock, running, seen = make.clock(), [], []

    def task(number):
        running.append(number)
        seen.append(len(running))
        clock.sleep(1)
        running.remove(number)

    def main():
        pool = make(2)
        for number in range(4):
            pool.submit(task, number)
        pool.shutdown()

    return {"main": main}, lambda: make.expect(max(seen, default=0), 2)


@scenario(level=1, kills=["w03"], schedules=30)
def what_was_taken_is_run(make):
    """The order was accepted, the server was restarted, and the order was in its queue."""
    ran = []

    def main():
        pool = make(1)
        for number in range(3):
            pool.submit(ran.append, number)
        pool.shutdown()
        ran.append("end")

    return {"main": main}, lambda: make.expect(ran, [0, 1, 2, "end"])


@scenario(level=2, kills=["w02"], schedules=10)
def after_the_end_nothing_is_taken(make):
    """A request comes during the deployment, is accepted, and is never answered."""
    told = []

    def main():
        pool = make(1)
        pool.shutdown()
        told.append(make.outcome(pool.submit, pow, 2, 3))
        told.append(make.outcome(pool.shutdown))

    return {"main": main}, lambda: make.expect(told, ["RuntimeError", None])


@scenario(level=2, schedules=10, race_timeouts=False)
def who_is_refused_is_not_run(make):
    """The caller was told no, went elsewhere, and his order was carried out in both places."""
    clock, told = make.clock(), []

    def main():
        pool = make(1)
        pool.submit(clock.sleep, 2)
        pool.shutdown(wait=False)
        told.append(make.outcome(pool.submit, told.append, "refused and run"))
        pool.shutdown()

    return {"main": main}, lambda: make.expect(told, ["RuntimeError"])


@scenario(level=2, schedules=10, race_timeouts=False)
def without_waiting_all_is_run_all_the_same(make):
    """Whoever cannot wait says so; the work is not less for it."""
    clock, told = make.clock(), []

    def task():
        clock.sleep(2)
        told.append(clock.monotonic())

    def main():
        pool = make(1)
        pool.submit(task)
        pool.submit(task)
        pool.shutdown(wait=False)
        told.append(clock.monotonic())

    return {"main": main}, lambda: make.expect(told, [0, 2, 4])


@scenario(level=2, kills=["w09"], schedules=10, race_timeouts=False)
def a_second_call_waits_too(make):
    """First everybody is told that the end has come, then the program waits for it; it did not, and the last order is lost."""
    clock, told = make.clock(), []

    def main():
        pool = make(1)
        pool.submit(clock.sleep, 2)
        pool.shutdown(wait=False)
        pool.shutdown()
        told.append(clock.monotonic())

    return {"main": main}, lambda: make.expect(told, [2])


@scenario(level=2, kills=["w10"], schedules=60)
def refused_or_run(make):
    """The order came in the second in which the pool was ended: nobody refused it, and nobody will carry it out."""
    made, told, pool = threading.Event(), [], []

    def main():
        pool.append(make(1))
        made.set()
        pool[0].shutdown()

    def client():
        made.wait()
        told.append(make.outcome(lambda: pool[0].submit(pow, 2, 3).result()))

    return {"main": main, "client": client}, lambda: make.expect(told, told if told == [8] else ["RuntimeError"])


@scenario(level=2, schedules=10, race_timeouts=False)
def what_was_not_started_is_called_off(make):
    """There are ten seconds until the machine goes; what has begun is finished, the rest is told that it must go elsewhere."""
    clock, told = make.clock(), []

    def slow():
        clock.sleep(2)
        return "slow"

    def main():
        pool = make(1)
        futures = [pool.submit(slow), pool.submit(slow), pool.submit(slow)]
        clock.sleep(1)
        pool.shutdown(wait=False, cancel_pending=True)
        told.extend([[future.cancelled() for future in futures], clock.monotonic()])
        pool.shutdown()
        told.extend([futures[0].result(), clock.monotonic()])

    return {"main": main}, lambda: make.expect(told, [[False, True, True], 1, "slow", 2])


@scenario(level=2, schedules=20)
def who_calls_off_holds_up_nobody(make):
    """Who is called off says so to a colleague who asks the pool at once; both wait for the one who calls off."""
    told, called_off, answered, begun = [], threading.Event(), threading.Event(), threading.Event()

    def slow():
        begun.set()
        answered.wait()

    def tell(_):
        called_off.set()
        answered.wait()

    pools = []

    def main():
        pools.append(make(1))
        pools[0].submit(slow)
        begun.wait()
        pools[0].submit(pow, 2, 3).add_done_callback(tell)
        pools[0].shutdown(cancel_pending=True)

    def colleague():
        called_off.wait()
        told.append(make.outcome(pools[0].submit, pow, 2, 4))
        answered.set()

    return {"main": main, "colleague": colleague}, lambda: make.expect(told, ["RuntimeError"])


@scenario(level=2, schedules=60)
def called_off_or_run(make):
    """A worker takes the last task in the moment in which it is called off: one of the two has it, and its future ends."""
    told = []

    def main():
        pool = make(1)
        futures = [pool.submit(pow, 2, 3), pool.submit(pow, 2, 3)]
        pool.shutdown(cancel_pending=True)
        told.extend(future.cancelled() or future.result() for future in futures)

    return {"main": main}, lambda: make.expect(all(answer in (True, 8) for answer in told), True)


@scenario(level=2, kills=["w05"], schedules=10, race_timeouts=False)
def who_is_cancelled_in_time_never_runs(make):
    """The customer has changed his mind in time, and the mail went out; and then the worker died of it."""
    clock, ran = make.clock(), []

    def slow():
        clock.sleep(2)

    def main():
        pool = make(1)
        running = pool.submit(slow)
        unwanted = pool.submit(ran.append, "unwanted")
        pool.submit(ran.append, "wanted")
        clock.sleep(1)
        ran.extend([unwanted.cancel(), running.cancel()])
        pool.shutdown()

    return {"main": main}, lambda: make.expect(ran, [True, False, "wanted"])


@scenario(level=2, kills=["w06"], schedules=20)
def a_task_may_end_the_pool(make):
    """The task that handles the stop signal runs in the pool, of course."""
    told = []

    def main():
        pool = make(2)
        other = pool.submit(pow, 2, 3)
        told.append(make.outcome(pool.submit(pool.shutdown).result))
        told.append(other.result())
        pool.shutdown()

    return {"main": main}, lambda: make.expect(told, [None, 8])


@scenario(level=2, schedules=20, race_timeouts=False)
def a_task_that_ends_the_pool_waits_for_the_others(make):
    """It says that all has been done, and somebody pulls the plug while the last order is on its way."""
    clock, ran = make.clock(), []

    def slow():
        clock.sleep(2)
        ran.append("slow")

    def stop(pool):
        clock.sleep(1)
        pool.shutdown()
        ran.append("all done")

    def main():
        pool = make(2)
        pool.submit(slow)
        pool.submit(stop, pool)
        pool.shutdown()

    return {"main": main}, lambda: make.expect(ran, ["slow", "all done"])
