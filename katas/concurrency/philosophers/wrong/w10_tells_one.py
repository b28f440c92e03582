"""Both forks or none, under one condition; one is told when they come back."""

import threading


class Table:
    def __init__(self, seats):
        if seats < 2:
            raise ValueError(seats)
        self.seats, self.taken, self.put_back = seats, set(), threading.Condition()

    def forks(self, seat):
        if seat not in range(self.seats):
            raise ValueError(seat)
        return {seat, (seat + 1) % self.seats}

    def attempt(self, seat, eat, timeout):
        forks = self.forks(seat)
        with self.put_back:
            if not self.put_back.wait_for(lambda: not self.taken & forks, timeout):
                return (False, None)
            self.taken |= forks
        try:
            return (True, eat())
        finally:
            with self.put_back:
                self.taken -= forks
                self.put_back.notify()

    def dine(self, seat, eat):
        return self.attempt(seat, eat, None)[1]

    def try_dine(self, seat, eat, timeout):
        return self.attempt(seat, eat, timeout)[0]
