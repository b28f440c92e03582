"""Two counts of who is in the group that forms, and how many of it have still to go."""

from threading import Condition


class H2O:
    def __init__(self):
        self.changed = Condition()
        self.inside, self.going, self.number = {"H": 0, "O": 0}, 0, 0

    def atom(self, kind, room, release):
        with self.changed:
            self.changed.wait_for(lambda: self.going == 0 and self.inside[kind] < room)
            self.inside[kind] += 1
            mine = self.number
            if sum(self.inside.values()) == 3:
                self.inside, self.going, self.number = {"H": 0, "O": 0}, 3, self.number + 1
                self.changed.notify_all()
            self.changed.wait_for(lambda: self.number > mine)
            release()
            self.going -= 1
            self.changed.notify_all()

    def hydrogen(self, release):
        self.atom("H", 2, release)

    def oxygen(self, release):
        self.atom("O", 1, release)
