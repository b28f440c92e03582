"""The atom that completes a group wakes its members; each group waits for the one before it to be gone."""

from collections import deque
from threading import Event, Lock


class Group:
    def __init__(self, before):
        self.before, self.left, self.gone = before, 3, Event()


class Atom:
    def __init__(self):
        self.called, self.group = Event(), None


class H2O:
    def __init__(self):
        self.lock, self.waiting, self.last = Lock(), {"H": deque(), "O": deque()}, Event()
        self.last.set()

    def hydrogen(self, release):
        self.join("H", release)

    def oxygen(self, release):
        self.join("O", release)

    def join(self, kind, release):
        me = Atom()
        with self.lock:
            self.waiting[kind].append(me)
            self.match(self.waiting["H"], self.waiting["O"])
        me.called.wait()
        me.group.before.wait()
        release()
        with self.lock:
            me.group.left -= 1
            if me.group.left == 0:
                me.group.gone.set()

    def match(self, hydrogen, oxygen):
        if len(hydrogen) < 2 or not oxygen:
            return
        group = Group(self.last)
        self.last = group.gone
        for atom in (hydrogen.popleft(), hydrogen.popleft(), oxygen.popleft()):
            atom.group = group
            atom.called.set()
